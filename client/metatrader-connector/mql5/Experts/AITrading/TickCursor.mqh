//+------------------------------------------------------------------+
//| TickCursor.mqh: where reading a symbol stands. The same rule as  |
//| the connector's own cursor: a second to read from, and how many  |
//| rows of such a read were told. So ticks that share a millisecond,|
//| equal ticks and late ticks are each told exactly once.           |
//+------------------------------------------------------------------+
#ifndef AITRADING_TICKCURSOR_MQH
#define AITRADING_TICKCURSOR_MQH

#include "Bytes.mqh"
#include "Protocol.mqh"

class CTickCursor
  {
private:
   string            m_symbol;
   long              m_from_s;
   int               m_taken;
   bool              m_begun;     // at least one frame was made since Begin()
   MqlTick           m_last;      // the last row told: proof that the history is still the same
   bool              m_booked;
   int               m_count;     // rows of the read that the frame was made from

   bool              Same(const MqlTick &a, const MqlTick &b) const
     {
      return(a.time_msc == b.time_msc && a.bid == b.bid && a.ask == b.ask && a.last == b.last && a.flags == b.flags);
     }

   static void       Row(CBytesOut &body, const MqlTick &tick)
     {
      body.Number((long)tick.time, 8);
      body.Real(tick.bid);
      body.Real(tick.ask);
      body.Real(tick.last);
      body.Number((long)tick.volume, 8);
      body.Number(tick.time_msc, 8);
      body.Number((long)tick.flags, 4);
      body.Real(tick.volume_real);
     }

   //--- The second moves on only where the rows split cleanly.
   void              MoveOn(const MqlTick &ticks[], const int count)
     {
      m_taken = count;
      if(count == 0)
         return;
      m_last = ticks[count - 1];
      long second = m_last.time_msc / 1000;
      if(second <= m_from_s)
         return;
      int first = 0;
      while(ticks[first].time_msc < second * 1000)
         first++;
      for(int i = first; i < count; i++)
         if(ticks[i].time_msc < second * 1000)
            return;
      m_from_s = second;
      m_taken = count - first;
     }

public:
                     CTickCursor(void) : m_symbol(""), m_from_s(0), m_taken(0), m_begun(false), m_booked(false), m_count(0) {}

   string            Symbol(void) const { return(m_symbol); }

   void              Begin(const string symbol, const long from_s)
     {
      m_symbol = symbol;
      m_from_s = from_s;
      m_taken = 0;
      m_begun = false;
     }

   //--- The order book is only a wake-up; many symbols have none, and then the timer has to do.
   void              Book(const bool wanted)
     {
      if(wanted && !m_booked)
         m_booked = MarketBookAdd(m_symbol);
      if(!wanted && m_booked)
        {
         MarketBookRelease(m_symbol);
         m_booked = false;
        }
     }

   //--- Writes the body of the next frame of ticks. 1: there is one, and perhaps more after it; 0: nothing new;
   //--- call Told() once it was sent, so that what was not sent is told again.
   int               Next(CBytesOut &body, MqlTick &ticks[])
     {
      int count = CopyTicks(m_symbol, ticks, COPY_TICKS_ALL, (ulong)(m_from_s * 1000), (uint)(m_taken + MOST_ROWS - 1));
      if(count < 0)
         return(0);
      if(m_taken > 0 && (count < m_taken || !Same(ticks[m_taken - 1], m_last)))
        {
         m_taken = 0;   // the terminal's history is another one: tell this second from its beginning
         count = MathMin(count, MOST_ROWS - 1);
        }
      if(m_begun && count == m_taken)
         return(0);
      int begin = m_taken > 0 ? m_taken - 1 : 0;   // one known row first: it proves the place
      body.Text(m_symbol, SYMBOL_BYTES);
      body.Number(m_from_s, 8);
      body.Number(begin, 4);
      body.Number(count - begin, 2);
      for(int i = begin; i < count; i++)
         Row(body, ticks[i]);
      m_count = count;
      return(1);
     }

   void              Told(const MqlTick &ticks[])
     {
      m_begun = true;
      MoveOn(ticks, m_count);
     }
  };

#endif
