"""The store of news and events in memory: two lists per tenant, filtered as simply as can be."""

from dataclasses import dataclass, field

from contracts.news import (
    CALENDAR,
    NEWS,
    CalendarEvent,
    CalendarFound,
    CalendarQuestion,
    NewsFound,
    NewsItem,
    NewsQuestion,
)
from kit.testing import FakeBus


@dataclass
class MemoryNews:
    """Put items into `news` and `events`; `asked` has the questions."""

    news: dict[str, list[NewsItem]] = field(default_factory=dict)
    """ tenant -> items, newest first """
    events: dict[str, list[CalendarEvent]] = field(default_factory=dict)
    asked: list[NewsQuestion | CalendarQuestion] = field(default_factory=list)

    async def answer_on(self, bus: FakeBus) -> None:
        """Begin to answer."""
        await bus.answer(NEWS, self._news)
        await bus.answer(CALENDAR, self._calendar)

    async def _news(self, question: NewsQuestion) -> NewsFound:
        self.asked.append(question)
        return NewsFound(tuple(self.news.get(question.tenant, [])[: question.limit]))

    async def _calendar(self, question: CalendarQuestion) -> CalendarFound:
        self.asked.append(question)
        return CalendarFound(tuple(self.events.get(question.tenant, [])[: question.limit]))
