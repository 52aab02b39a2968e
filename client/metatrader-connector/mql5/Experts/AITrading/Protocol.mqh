//+------------------------------------------------------------------+
//| Protocol.mqh: the numbers of the protocol, see README.md.        |
//+------------------------------------------------------------------+
#ifndef AITRADING_PROTOCOL_MQH
#define AITRADING_PROTOCOL_MQH

#define EA_VERSION        "1.0"
#define PROTOCOL_VERSION  1
#define HEAD_BYTES        12

//--- to the connector
#define KIND_HELLO            1
#define KIND_TICKS            2
#define KIND_ALIVE            3
#define KIND_SESSIONS         4
#define KIND_MARGIN_RATES     5
#define KIND_CALENDAR_EVENTS  6
#define KIND_CALENDAR_VALUES  7
#define KIND_TRANSACTION      8
//--- from the connector
#define KIND_RESUME         129
#define KIND_FORGET         130
#define KIND_ACK            131

#define MOST_ROWS          2000   // of one frame
#define MOST_SYMBOLS        128
#define MOST_UNANSWERED     256   // frames under way; more wait in the terminal, which keeps the ticks
#define SYMBOL_BYTES         64
#define ANSWER_BYTES       4096   // the connector never says more at once

#define HOST        "127.0.0.1"
#define PATH        "/ea"
#define TOKEN_FILE  "aitrading-ea.txt"
#define FIRST_LINE  "aitrading-ea 1"

#endif
