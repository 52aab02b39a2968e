//+------------------------------------------------------------------+
//| Facts.mqh: sessions and margin rates, which no other interface   |
//| of the terminal tells.                                           |
//+------------------------------------------------------------------+
#ifndef AITRADING_FACTS_MQH
#define AITRADING_FACTS_MQH

#include "Bytes.mqh"
#include "Protocol.mqh"

#define DAY_S          86400
#define MOST_OF_A_DAY  8

//--- Seconds of the day; an end that is not behind its beginning is midnight.
int OneSession(CBytesOut &body, const int trade, const int day, const datetime from, const datetime to)
  {
   long begin = (long)from;
   long end = (long)to;
   if(begin < 0 || begin >= DAY_S)
      return(0);
   if(end > DAY_S)
      end = end % DAY_S;
   if(end <= begin)
      end = DAY_S;
   body.Byte(trade);
   body.Byte(day);
   body.Number(begin, 4);
   body.Number(end, 4);
   return(1);
  }

void SessionsBody(CBytesOut &body, const string symbol)
  {
   body.Text(symbol, SYMBOL_BYTES);
   int place = body.Size();
   int count = 0;
   body.Number(0, 2);
   for(int day = 0; day < 7; day++)
      for(int i = 0; i < MOST_OF_A_DAY; i++)
        {
         datetime from = 0, to = 0;
         if(SymbolInfoSessionQuote(symbol, (ENUM_DAY_OF_WEEK)day, (uint)i, from, to))
            count += OneSession(body, 0, day, from, to);
         if(SymbolInfoSessionTrade(symbol, (ENUM_DAY_OF_WEEK)day, (uint)i, from, to))
            count += OneSession(body, 1, day, from, to);
        }
   body.Put(place, count, 2);
  }

void MarginRatesBody(CBytesOut &body, const string symbol)
  {
   body.Text(symbol, SYMBOL_BYTES);
   int place = body.Size();
   int count = 0;
   body.Number(0, 2);
   for(int type = 0; type < 8; type++)   // ORDER_TYPE_BUY to ORDER_TYPE_SELL_STOP_LIMIT
     {
      double initial = 0.0, maintenance = 0.0;
      if(!SymbolInfoMarginRate(symbol, (ENUM_ORDER_TYPE)type, initial, maintenance))
         continue;
      if(!MathIsValidNumber(initial) || !MathIsValidNumber(maintenance) || initial < 0.0 || maintenance < 0.0)
         continue;
      body.Byte(type);
      body.Real(initial);
      body.Real(maintenance);
      count++;
     }
   body.Put(place, count, 2);
  }

#endif
