//+------------------------------------------------------------------+
//| AITradingFeed.mq5: tells the connector on this PC every tick, and |
//| what only a program inside of MT5 can know. It never trades: it   |
//| has no function that could. See README.md.                       |
//+------------------------------------------------------------------+
#property copyright "Apache License 2.0"
#property version   "1.00"
#property description "Pushes ticks, sessions, margin rates and the economic calendar to the connector on this PC."
#property description "It never trades. Allow 127.0.0.1 in Tools > Options > Expert Advisors."

#include "Bytes.mqh"
#include "Calendar.mqh"
#include "Facts.mqh"
#include "Protocol.mqh"
#include "TickCursor.mqh"
#include "Token.mqh"
#include "WebSocket.mqh"

input int  TimerMs = 20;           // How often every symbol is looked at, milliseconds (10 to 1000)
input bool UseOrderBook = true;    // Let changes of the order book wake this program
input bool TellCalendar = true;    // Tell the economic calendar

#define FIRST_RETRY_MS   1000
#define LAST_RETRY_MS   30000
#define ALIVE_EVERY_MS   1000
#define FACTS_EVERY_S   86400
#define DEAD_MS         15000   // a connector that acknowledges nothing for so long is gone
#define FRAMES_A_LOOK       4   // of one symbol, before the others get their turn

CWebSocket   g_socket;
CBytesOut    g_out;
CCalendar    g_calendar;
CTickCursor  g_cursors[];
datetime     g_facts_told[];    // beside g_cursors: when sessions and margin rates were told
MqlTick      g_ticks[];
long         g_sent = 0;        // sequence number of the newest frame of this connection
long         g_acked = 0;
long         g_heard = 0;       // sequence number of the connector's newest frame
ulong        g_answered_ms = 0;
ulong        g_alive_ms = 0;
ulong        g_retry_ms = 0;
int          g_wait_ms = FIRST_RETRY_MS;
string       g_told_trouble = "";
bool         g_busy = false;

//+------------------------------------------------------------------+
int OnInit(void)
  {
   if(TimerMs < 10 || TimerMs > 1000)
     {
      Print("TimerMs must be 10 to 1000");
      return(INIT_PARAMETERS_INCORRECT);
     }
   if(MQLInfoInteger(MQL_TESTER) != 0)
     {
      Print("The strategy tester has no live ticks to tell of");
      return(INIT_FAILED);
     }
   MathSrand((int)(GetMicrosecondCount() ^ GetTickCount64()));
   return(EventSetMillisecondTimer(TimerMs) ? INIT_SUCCEEDED : INIT_FAILED);
  }

void OnDeinit(const int reason)
  {
   EventKillTimer();
   ForgetAll();
   g_socket.Close();
  }

//--- Three ways to be woken; what is new is read from the terminal's tick base, never from the event.
void OnTick(void)                           { Pump(); }
void OnBookEvent(const string &symbol)      { Pump(); }

void OnTimer(void)
  {
   if(!g_socket.IsOpen())
     {
      Connect();
      return;
     }
   Listen();
   Pump();
   TellAlive();
   TellFacts();
   TellCalendarPiece();
  }

//--- Only a wake-up: which account state follows is read by the connector itself.
void OnTradeTransaction(const MqlTradeTransaction &change, const MqlTradeRequest &request, const MqlTradeResult &result)
  {
   if(!Ready())
      return;
   Begin(KIND_TRANSACTION);
   g_out.Byte((int)change.type);
   Send();
  }

//+------------------------------------------------------------------+
//| The connection                                                   |
//+------------------------------------------------------------------+
void Connect(void)
  {
   ulong now = GetTickCount64();
   if(now < g_retry_ms)
      return;
   int port = 0;
   string token = "";
   if(!ReadToken(port, token))
      Trouble("there is no " + TOKEN_FILE + " in MQL5\\Files; start the client with this terminal's folder set, see README.md");
   else
      if(g_socket.Open(port, token))
        {
         Opened();
         return;
        }
      else
         Trouble(g_socket.Trouble());
   Later();
  }

//--- Twice as long each time, and not all at the same moment.
void Later(void)
  {
   g_retry_ms = GetTickCount64() + (ulong)(g_wait_ms / 2 + MathRand() % (g_wait_ms / 2 + 1));
   g_wait_ms = MathMin(g_wait_ms * 2, LAST_RETRY_MS);
  }

void Opened(void)
  {
   ForgetAll();
   g_sent = 0;
   g_acked = 0;
   g_heard = 0;
   g_answered_ms = GetTickCount64();
   g_alive_ms = 0;
   g_calendar.Begin();
   Begin(KIND_HELLO);
   g_out.Number(AccountInfoInteger(ACCOUNT_LOGIN), 8);
   g_out.Number(TerminalInfoInteger(TERMINAL_BUILD), 4);
   g_out.Text(AccountInfoString(ACCOUNT_SERVER), 128);
   g_out.Text(EA_VERSION, 32);
   Send();
  }

void Closed(const string why)
  {
   Trouble(why);
   ForgetAll();
   g_socket.Close();
   Later();
  }

//--- The journal is told once of each trouble, not every second.
void Trouble(const string why)
  {
   if(why != g_told_trouble)
      Print("AI Trading feed: ", why);
   g_told_trouble = why;
  }

bool Ready(void)
  {
   return(g_socket.IsOpen() && g_sent - g_acked < MOST_UNANSWERED);
  }

void Begin(const int kind)
  {
   g_out.Clear();
   g_out.Byte(PROTOCOL_VERSION);
   g_out.Byte(kind);
   g_out.Number(0, 2);
   g_out.Number(g_sent + 1, 8);
  }

bool Send(void)
  {
   if(!g_socket.Send(g_out))
     {
      Closed(g_socket.Trouble());
      return(false);
     }
   g_sent++;
   return(true);
  }

//+------------------------------------------------------------------+
//| What the connector says: an unknown or short message does nothing |
//+------------------------------------------------------------------+
void Listen(void)
  {
   CBytesIn message;
   int got = g_socket.Receive(message);
   while(got == 1)
     {
      Heard(message);
      if(!g_socket.IsOpen())
         return;
      got = g_socket.Receive(message);
     }
   if(got < 0)
      Closed(g_socket.Trouble());
   else
      if(GetTickCount64() - g_answered_ms > DEAD_MS)
         Closed("the connector has fallen silent");
  }

void Heard(CBytesIn &message)
  {
   int version = (int)message.Number(1);
   int kind = (int)message.Number(1);
   long zero = message.Number(2);
   long number = message.Number(8);
   if(!message.Sound() || version != PROTOCOL_VERSION || zero != 0 || number <= g_heard)
      return;
   if(kind == KIND_ACK)
     {
      long acked = message.Number(8);
      if(!message.Ended() || acked < g_acked || acked > g_sent)
         return;
      g_acked = acked;
      g_answered_ms = GetTickCount64();
      if(g_told_trouble != "")
         Print("AI Trading feed: connected");
      g_told_trouble = "";
      g_wait_ms = FIRST_RETRY_MS;
     }
   else
      if(kind == KIND_RESUME)
        {
         string symbol = message.Text(SYMBOL_BYTES);
         long from_s = message.Number(8);
         if(!message.Ended() || from_s < 1 || from_s > (long)TimeTradeServer() + 86400)
            return;
         Resume(symbol, from_s);
        }
      else
         if(kind == KIND_FORGET)
           {
            string symbol = message.Text(SYMBOL_BYTES);
            if(message.Ended())
               Forget(symbol);
           }
         else
            return;
   g_heard = number;
  }

int PlaceOf(const string symbol)
  {
   for(int i = 0; i < ArraySize(g_cursors); i++)
      if(g_cursors[i].Symbol() == symbol)
         return(i);
   return(-1);
  }

//--- Only symbols that are in Market Watch already: the connector has put them there.
void Resume(const string symbol, const long from_s)
  {
   if(SymbolInfoInteger(symbol, SYMBOL_SELECT) == 0)
      return;
   int place = PlaceOf(symbol);
   if(place < 0)
     {
      place = ArraySize(g_cursors);
      if(place >= MOST_SYMBOLS || ArrayResize(g_cursors, place + 1, 32) < 0 || ArrayResize(g_facts_told, place + 1, 32) < 0)
         return;
      g_facts_told[place] = 0;
     }
   g_cursors[place].Begin(symbol, from_s);
   g_cursors[place].Book(UseOrderBook);
  }

void Forget(const string symbol)
  {
   int place = PlaceOf(symbol);
   if(place < 0)
      return;
   g_cursors[place].Book(false);
   int last = ArraySize(g_cursors) - 1;
   g_cursors[place] = g_cursors[last];
   g_facts_told[place] = g_facts_told[last];
   ArrayResize(g_cursors, last);
   ArrayResize(g_facts_told, last);
  }

void ForgetAll(void)
  {
   for(int i = 0; i < ArraySize(g_cursors); i++)
      g_cursors[i].Book(false);
   ArrayResize(g_cursors, 0);
   ArrayResize(g_facts_told, 0);
  }

//+------------------------------------------------------------------+
//| What is told                                                     |
//+------------------------------------------------------------------+
void Pump(void)
  {
   if(g_busy)
      return;
   g_busy = true;
   for(int i = 0; i < ArraySize(g_cursors) && Ready(); i++)
      for(int turn = 0; turn < FRAMES_A_LOOK && Ready(); turn++)
        {
         Begin(KIND_TICKS);
         if(g_cursors[i].Next(g_out, g_ticks) == 0)
            break;
         if(!Send())
            break;   // every symbol is forgotten then
         g_cursors[i].Told(g_ticks);
        }
   g_busy = false;
  }

void TellAlive(void)
  {
   ulong now = GetTickCount64();
   if(!g_socket.IsOpen() || now - g_alive_ms < ALIVE_EVERY_MS)
      return;
   g_alive_ms = now;
   Begin(KIND_ALIVE);
   g_out.Number((long)TimeTradeServer(), 8);
   g_out.Number((long)TimeGMT(), 8);
   g_out.Number(TimeGMTOffset(), 4);
   g_out.Byte(TerminalInfoInteger(TERMINAL_CONNECTED) != 0 ? 1 : 0);
   Send();
  }

//--- One symbol at a time, each once a day.
void TellFacts(void)
  {
   datetime now = TimeLocal();
   for(int i = 0; i < ArraySize(g_cursors) && Ready(); i++)
     {
      if(g_facts_told[i] != 0 && now - g_facts_told[i] < FACTS_EVERY_S && now >= g_facts_told[i])
         continue;
      string symbol = g_cursors[i].Symbol();
      g_facts_told[i] = now;
      Begin(KIND_SESSIONS);
      SessionsBody(g_out, symbol);
      if(!Send())
         return;
      Begin(KIND_MARGIN_RATES);
      MarginRatesBody(g_out, symbol);
      Send();
      return;
     }
  }

void TellCalendarPiece(void)
  {
   if(!TellCalendar || !Ready())
      return;
   Begin(0);
   int kind = g_calendar.Next(g_out);
   if(kind == 0)
      return;
   g_out.Put(1, kind, 1);
   Send();
  }
//+------------------------------------------------------------------+
