//+------------------------------------------------------------------+
//| WebSocket.mqh: a WebSocket client (RFC 6455) over the terminal's |
//| own Socket functions; no DLL. Binary messages, each in one       |
//| frame; to 127.0.0.1 only.                                        |
//+------------------------------------------------------------------+
#ifndef AITRADING_WEBSOCKET_MQH
#define AITRADING_WEBSOCKET_MQH

#include "Bytes.mqh"
#include "Protocol.mqh"

#define WS_GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"   // RFC 6455, section 1.3
#define CONNECT_MS     1000
#define HANDSHAKE_MS   3000
#define SEND_MS        1000

#define OPCODE_BINARY  2
#define OPCODE_CLOSE   8
#define OPCODE_PING    9
#define OPCODE_PONG    10

class CWebSocket
  {
private:
   int               m_socket;
   uchar             m_read[];    // bytes that came and are not a whole frame yet
   uchar             m_frame[];   // what is being sent
   string            m_trouble;

   string            Base64(const uchar &raw[])
     {
      uchar key[], coded[];
      int length = CryptEncode(CRYPT_BASE64, raw, key, coded);
      while(length > 0 && coded[length - 1] == 0)
         length--;
      return(length > 0 ? CharArrayToString(coded, 0, length, CP_UTF8) : "");
     }

   string            AcceptOf(const string nonce)
     {
      uchar raw[], key[], hash[];
      int length = CBytesOut::Utf8(nonce + WS_GUID, raw);
      ArrayResize(raw, length);
      if(CryptEncode(CRYPT_HASH_SHA1, raw, key, hash) != 20)
         return("");
      return(Base64(hash));
     }

   //--- Exactly what is there: asking for more would block the program until it comes.
   bool              ReadWhatIsThere(void)
     {
      uint there = SocketIsReadable(m_socket);
      if(there == 0)
         return(SocketIsConnected(m_socket));
      if(there > ANSWER_BYTES)
         there = ANSWER_BYTES;
      uchar fresh[];
      int got = SocketRead(m_socket, fresh, there, 10);
      if(got < 0)
         return(false);
      int before = ArraySize(m_read);
      ArrayResize(m_read, before + got, ANSWER_BYTES);
      for(int i = 0; i < got; i++)
         m_read[before + i] = fresh[i];
      return(true);
     }

   void              Drop(const int count)
     {
      int left = ArraySize(m_read) - count;
      for(int i = 0; i < left; i++)
         m_read[i] = m_read[count + i];
      ArrayResize(m_read, left, ANSWER_BYTES);
     }

   bool              SendAll(const uchar &data[], const int length)
     {
      // one call: the terminal blocks until all is handed over or the time is up
      return(SocketSend(m_socket, data, (uint)length) == length);
     }

   bool              Handshake(const int port, const string token)
     {
      uchar nonce[16];
      for(int i = 0; i < 16; i++)
         nonce[i] = (uchar)(MathRand() & 0xFF);
      string key = Base64(nonce);
      string host = HOST + ":" + IntegerToString(port);
      string ask = "GET " + PATH + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                   "Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n" +
                   "Authorization: Bearer " + token + "\r\n\r\n";
      uchar raw[];
      int length = StringToCharArray(ask, raw, 0, WHOLE_ARRAY, CP_UTF8) - 1;
      if(length <= 0 || !SendAll(raw, length))
         return(Fail("the connector did not take the greeting"));
      ulong until = GetTickCount64() + HANDSHAKE_MS;
      int end = -1;
      while(end < 0)
        {
         if(IsStopped() || GetTickCount64() > until || ArraySize(m_read) > ANSWER_BYTES || !ReadWhatIsThere())
            return(Fail("the connector did not answer the greeting"));
         end = EndOfHead();
         if(end < 0)
            Sleep(5);
        }
      string head = CharArrayToString(m_read, 0, end, CP_UTF8);
      Drop(end + 4);
      return(Accepted(head, AcceptOf(key)));
     }

   int               EndOfHead(void)
     {
      for(int i = 0; i + 3 < ArraySize(m_read); i++)
         if(m_read[i] == '\r' && m_read[i + 1] == '\n' && m_read[i + 2] == '\r' && m_read[i + 3] == '\n')
            return(i);
      return(-1);
     }

   bool              Accepted(const string head, const string wanted)
     {
      string lines[];
      string text = head;
      StringReplace(text, "\r", "");
      int count = StringSplit(text, '\n', lines);
      if(count < 1)
         return(Fail("the answer to the greeting is empty"));
      if(StringFind(lines[0], "HTTP/1.1 101") != 0)
        {
         if(StringFind(lines[0], " 401") > 0)
            return(Fail("the token is not this connector's; is another client of yours running, or an old token file here?"));
         return(Fail("the connector refused: " + lines[0]));
        }
      for(int i = 1; i < count; i++)
        {
         int colon = StringFind(lines[i], ":");
         if(colon <= 0)
            continue;
         string name = StringSubstr(lines[i], 0, colon);
         string value = StringSubstr(lines[i], colon + 1);
         StringToLower(name);
         StringTrimLeft(value);
         StringTrimRight(value);
         if(name == "sec-websocket-accept")
            return(wanted != "" && value == wanted ? true : Fail("what answered is no WebSocket server"));
        }
      return(Fail("what answered is no WebSocket server"));
     }

   bool              Fail(const string why)
     {
      m_trouble = why;
      return(false);
     }

   //--- RFC 6455, section 5.2: a client masks all it sends.
   bool              SendFrame(const int opcode, const CBytesOut &body)
     {
      int length = body.Size();
      int head = length < 126 ? 2 : (length < 65536 ? 4 : 10);
      ArrayResize(m_frame, head + 4 + length, 65536);
      m_frame[0] = (uchar)(0x80 | opcode);
      if(head == 2)
         m_frame[1] = (uchar)(0x80 | length);
      else
        {
         m_frame[1] = (uchar)(0x80 | (head == 4 ? 126 : 127));
         for(int i = head - 1, rest = length; i >= 2; i--, rest >>= 8)
            m_frame[i] = (uchar)(rest & 0xFF);
        }
      uchar mask[4];
      for(int i = 0; i < 4; i++)
        {
         mask[i] = (uchar)(MathRand() & 0xFF);
         m_frame[head + i] = mask[i];
        }
      for(int i = 0; i < length; i++)
         m_frame[head + 4 + i] = (uchar)(body.At(i) ^ mask[i & 3]);
      return(SendAll(m_frame, head + 4 + length));
     }

   int               Over(const string why)
     {
      m_trouble = why;
      Close();
      return(-1);
     }

public:
                     CWebSocket(void) : m_socket(INVALID_HANDLE), m_trouble("") {}
                    ~CWebSocket(void) { Close(); }

   bool              IsOpen(void) const { return(m_socket != INVALID_HANDLE); }
   string            Trouble(void) const { return(m_trouble); }

   bool              Open(const int port, const string token)
     {
      Close();
      m_trouble = "";
      ResetLastError();
      m_socket = SocketCreate();
      if(m_socket == INVALID_HANDLE)
         return(Fail("no socket (error " + IntegerToString(GetLastError()) + ")"));
      if(!SocketConnect(m_socket, HOST, (uint)port, CONNECT_MS))
        {
         int error = GetLastError();
         Close();
         if(error == 4014)
            return(Fail("MT5 does not allow it: add " + HOST + " in Tools > Options > Expert Advisors"));
         return(Fail("no connector answers on port " + IntegerToString(port) + " (error " + IntegerToString(error) +
                     "); does the client run, and is " + HOST + " allowed in Tools > Options > Expert Advisors?"));
        }
      SocketTimeouts(m_socket, SEND_MS, SEND_MS);
      if(Handshake(port, token))
         return(true);
      Close();
      return(false);
     }

   void              Close(void)
     {
      if(m_socket != INVALID_HANDLE)
         SocketClose(m_socket);
      m_socket = INVALID_HANDLE;
      ArrayResize(m_read, 0, ANSWER_BYTES);
     }

   bool              Send(const CBytesOut &body)
     {
      if(!IsOpen())
         return(false);
      if(SendFrame(OPCODE_BINARY, body))
         return(true);
      m_trouble = "the connection is broken";
      Close();
      return(false);
     }

   //--- One whole message into `message`: 1; none yet: 0; the connection is over: -1.
   int               Receive(CBytesIn &message)
     {
      if(!IsOpen())
         return(-1);
      if(!ReadWhatIsThere())
         return(Over("the connection is broken"));
      while(ArraySize(m_read) >= 2)
        {
         int opcode = m_read[0] & 0x0F;
         int length = m_read[1] & 0x7F;
         int head = 2;
         // a server's frames are whole, not masked, and small here
         if((m_read[0] & 0xF0) != 0x80 || (m_read[1] & 0x80) != 0 || length == 127)
            return(Over("what the connector says is not understood"));
         if(length == 126)
           {
            if(ArraySize(m_read) < 4)
               return(0);
            length = (m_read[2] << 8) | m_read[3];
            head = 4;
           }
         if(length > ANSWER_BYTES)
            return(Over("the connector says more than it may"));
         if(ArraySize(m_read) < head + length)
            return(0);
         if(opcode == OPCODE_CLOSE)
            return(Over(length > 2 ? CharArrayToString(m_read, head + 2, length - 2, CP_UTF8) : "the connector hung up"));
         if(opcode == OPCODE_BINARY)
           {
            message.Begin(m_read, head, length);
            Drop(head + length);
            return(1);
           }
         if(opcode == OPCODE_PING && length < 126)
           {
            CBytesOut echo;
            for(int i = 0; i < length; i++)
               echo.Byte(m_read[head + i]);
            if(!SendFrame(OPCODE_PONG, echo))
               return(Over("the connection is broken"));
           }
         else
            if(opcode != OPCODE_PONG)
               return(Over("what the connector says is not understood"));
         Drop(head + length);
        }
      return(0);
     }
  };

#endif
