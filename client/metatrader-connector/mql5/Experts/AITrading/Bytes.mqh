//+------------------------------------------------------------------+
//| Bytes.mqh: numbers and texts as little-endian bytes, and back.   |
//+------------------------------------------------------------------+
#ifndef AITRADING_BYTES_MQH
#define AITRADING_BYTES_MQH

union Eight
  {
   long              whole;
   double            real;
   uchar             bytes[8];
  };

//--- Grows as it is written. Call Clear() before each frame.
class CBytesOut
  {
private:
   uchar             m_data[];
   int               m_size;

   void              Reserve(const int more)
     {
      if(m_size + more > ArraySize(m_data))
         ArrayResize(m_data, m_size + more, 65536);
     }

public:
                     CBytesOut(void) : m_size(0) {}
   void              Clear(void) { m_size = 0; }
   int               Size(void) const { return(m_size); }
   uchar             At(const int index) const { return(m_data[index]); }

   void              Byte(const int value)
     {
      Reserve(1);
      m_data[m_size++] = (uchar)(value & 0xFF);
     }

   void              Number(const long value, const int length)
     {
      Eight all;
      all.whole = value;
      Reserve(length);
      for(int i = 0; i < length; i++)
         m_data[m_size++] = all.bytes[i];
     }

   void              Real(const double value)
     {
      Eight all;
      all.real = value;
      Reserve(8);
      for(int i = 0; i < 8; i++)
         m_data[m_size++] = all.bytes[i];
     }

   //--- Two bytes of length, then UTF-8. What is longer than `most` bytes is left out whole: half a letter is no text.
   void              Text(const string words, const int most)
     {
      uchar raw[];
      int length = Utf8(words, raw);
      if(length > most)
         length = 0;
      Number(length, 2);
      Reserve(length);
      for(int i = 0; i < length; i++)
         m_data[m_size++] = raw[i];
     }

   //--- Replaces a number that was written before, such as a count.
   void              Put(const int place, const long value, const int length)
     {
      Eight all;
      all.whole = value;
      for(int i = 0; i < length; i++)
         m_data[place + i] = all.bytes[i];
     }

   //--- Forgets what was written from here on.
   void              Cut(const int size) { m_size = size; }

   //--- Control characters would be refused by the other side: they become blanks.
   static int        Utf8(const string words, uchar &raw[])
     {
      int length = StringToCharArray(words, raw, 0, WHOLE_ARRAY, CP_UTF8);
      while(length > 0 && raw[length - 1] == 0)
         length--;
      for(int i = 0; i < length; i++)
         if(raw[i] < 32 || raw[i] == 127)
            raw[i] = 32;
      return(length);
     }
  };

//--- Reads one frame from front to back. Once it was too short, Sound() stays false and every answer is zero.
class CBytesIn
  {
private:
   uchar             m_data[];
   int               m_at;
   bool              m_sound;

public:
                     CBytesIn(void) : m_at(0), m_sound(false) {}

   void              Begin(const uchar &data[], const int from, const int length)
     {
      ArrayResize(m_data, length);
      for(int i = 0; i < length; i++)
         m_data[i] = data[from + i];
      m_at = 0;
      m_sound = true;
     }

   bool              Sound(void) const { return(m_sound); }
   //--- Nothing may follow.
   bool              Ended(void) const { return(m_sound && m_at == ArraySize(m_data)); }

   long              Number(const int length)
     {
      Eight all;
      all.whole = 0;
      if(!m_sound || m_at + length > ArraySize(m_data))
        {
         m_sound = false;
         return(0);
        }
      for(int i = 0; i < length; i++)
         all.bytes[i] = m_data[m_at++];
      return(all.whole);
     }

   //--- A text of 1 to `most` bytes without control characters.
   string            Text(const int most)
     {
      int length = (int)Number(2);
      if(!m_sound || length < 1 || length > most || m_at + length > ArraySize(m_data))
        {
         m_sound = false;
         return("");
        }
      for(int i = 0; i < length; i++)
         if(m_data[m_at + i] < 32 || m_data[m_at + i] == 127)
            m_sound = false;
      string words = m_sound ? CharArrayToString(m_data, m_at, length, CP_UTF8) : "";
      m_at += length;
      return(words);
     }
  };

#endif
