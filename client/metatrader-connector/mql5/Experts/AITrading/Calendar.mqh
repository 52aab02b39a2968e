//+------------------------------------------------------------------+
//| Calendar.mqh: the economic calendar: what is near first, then    |
//| changes only, by the terminal's own change number. Told in small |
//| pieces, so that ticks never wait for it.                         |
//+------------------------------------------------------------------+
#ifndef AITRADING_CALENDAR_MQH
#define AITRADING_CALENDAR_MQH

#include "Bytes.mqh"
#include "Protocol.mqh"

#define PAST_S          (7 * 86400)
#define AHEAD_S         (30 * 86400)
#define VALUES_A_PIECE  200
#define EVENTS_A_PIECE  20
#define LOOK_EVERY_S    30

class CCalendar
  {
private:
   ulong             m_change;
   MqlCalendarValue  m_values[];
   int               m_value;       // how many of m_values are told
   long              m_events[];    // ids of events that were told in this connection, ascending
   ulong             m_looked;
   bool              m_begun;

   bool              Known(const long id) const
     {
      int count = ArraySize(m_events);
      if(count == 0)
         return(false);
      int place = ArrayBsearch(m_events, id);
      return(place >= 0 && place < count && m_events[place] == id);
     }

   void              Remember(const long id)
     {
      int count = ArraySize(m_events);
      ArrayResize(m_events, count + 1, 1024);
      m_events[count] = id;
      ArraySort(m_events);
     }

   static void       EventBody(CBytesOut &body, const MqlCalendarEvent &event, const string currency)
     {
      body.Number((long)event.id, 8);
      body.Byte((int)event.type);
      body.Byte((int)event.importance);
      body.Byte((int)event.time_mode);
      body.Byte((int)event.unit);
      body.Byte((int)event.multiplier);
      body.Byte((int)event.digits);
      body.Text(currency, 16);
      string name = event.name == "" ? event.event_code : event.name;
      if(StringLen(name) > 120)   // at most four bytes a letter
         name = StringSubstr(name, 0, 120);
      body.Text(name == "" ? "?" : name, 512);
      body.Text(event.source_url, 1024);
     }

   void              Look(void)
     {
      m_looked = GetTickCount64();
      ArrayFree(m_values);
      m_value = 0;
      if(m_begun)
        {
         CalendarValueLast(m_change, m_values);
         return;
        }
      // first the number, then the history: what changes in between is told twice rather than never
      m_change = 0;
      CalendarValueLast(m_change, m_values);
      ArrayFree(m_values);
      datetime now = TimeTradeServer();
      CalendarValueHistory(m_values, now - PAST_S, now + AHEAD_S);
      m_begun = ArraySize(m_values) > 0;   // the terminal may still be loading its calendar
     }

   //--- Events that the next values belong to, as far as they were not told: the values follow when all were.
   int               EventsOf(const int end, CBytesOut &body)
     {
      int place = body.Size();
      int count = 0;
      body.Number(0, 2);
      for(int i = m_value; i < end && count < EVENTS_A_PIECE; i++)
        {
         long id = (long)m_values[i].event_id;
         if(Known(id))
            continue;
         Remember(id);
         MqlCalendarEvent event;
         if(!CalendarEventById((ulong)id, event))
            continue;
         MqlCalendarCountry country;
         string currency = CalendarCountryById(event.country_id, country) ? country.currency : "";
         EventBody(body, event, currency);
         count++;
        }
      if(count > 0)
         body.Put(place, count, 2);
      else
         body.Cut(place);
      return(count);
     }

   bool              ToldLater(const int index, const int end) const
     {
      for(int i = index + 1; i < end; i++)
         if(m_values[i].id == m_values[index].id)
            return(true);
      return(false);
     }

   void              ValuesOf(const int end, CBytesOut &body)
     {
      body.Number((long)m_change, 8);
      int place = body.Size();
      int count = 0;
      body.Number(0, 2);
      for(int i = m_value; i < end; i++)
        {
         if(ToldLater(i, end) || (long)m_values[i].time <= 0)
            continue;
         body.Number((long)m_values[i].id, 8);
         body.Number((long)m_values[i].event_id, 8);
         body.Number((long)m_values[i].time, 8);
         body.Number(m_values[i].actual_value, 8);
         body.Number(m_values[i].prev_value, 8);
         body.Number(m_values[i].revised_prev_value, 8);
         body.Number(m_values[i].forecast_value, 8);
         count++;
        }
      body.Put(place, count, 2);
     }

public:
                     CCalendar(void) : m_change(0), m_value(0), m_looked(0), m_begun(false) {}

   void              Begin(void)
     {
      ArrayFree(m_values);
      ArrayFree(m_events);
      m_value = 0;
      m_looked = 0;
      m_begun = false;
     }

   //--- The body of the next piece: its kind, or 0 when there is nothing to tell.
   int               Next(CBytesOut &body)
     {
      if(m_value >= ArraySize(m_values))
        {
         if(m_looked != 0 && GetTickCount64() - m_looked < LOOK_EVERY_S * 1000)
            return(0);
         Look();
         if(ArraySize(m_values) == 0)
            return(0);
        }
      int end = MathMin(m_value + VALUES_A_PIECE, ArraySize(m_values));
      if(EventsOf(end, body) > 0)
         return(KIND_CALENDAR_EVENTS);
      ValuesOf(end, body);
      m_value = end;
      return(KIND_CALENDAR_VALUES);
     }
  };

#endif
