//+------------------------------------------------------------------+
//| Token.mqh: port and token, from the file that the connector      |
//| leaves in MQL5\Files. Never an input: inputs are saved in        |
//| profiles and templates. Read anew before each connection, since  |
//| every start of the connector makes another token.                |
//+------------------------------------------------------------------+
#ifndef AITRADING_TOKEN_MQH
#define AITRADING_TOKEN_MQH

#include "Protocol.mqh"

//--- True when the file is there and sound.
bool ReadToken(int &port, string &token)
  {
   int file = FileOpen(TOKEN_FILE, FILE_READ | FILE_BIN | FILE_SHARE_READ | FILE_SHARE_WRITE);
   if(file == INVALID_HANDLE)
      return(false);
   uchar raw[];
   ulong size = FileSize(file);
   uint got = (size > 0 && size <= 256) ? FileReadArray(file, raw, 0, (int)size) : 0;
   FileClose(file);
   if(got == 0)
      return(false);
   string words = CharArrayToString(raw, 0, (int)got, CP_UTF8);
   StringReplace(words, "\r", "");
   string lines[];
   if(StringSplit(words, '\n', lines) < 3 || lines[0] != FIRST_LINE)
      return(false);
   long number = StringToInteger(lines[1]);
   if(number < 1 || number > 65535 || StringLen(lines[2]) != 64)
      return(false);
   for(int i = 0; i < 64; i++)
     {
      ushort letter = StringGetCharacter(lines[2], i);
      if(!((letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f')))
         return(false);
     }
   port = (int)number;
   token = lines[2];
   return(true);
  }

#endif
