// The server's half of a WebSocket, as much of RFC 6455 as a test needs: text out, close and pings understood.
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function frame(opcode, payload) {
  const length = payload.length;
  const head = length < 126 ? Buffer.from([0x80 | opcode, length]) : Buffer.alloc(length < 65_536 ? 4 : 10);
  if (length >= 126) {
    head[0] = 0x80 | opcode;
    head[1] = length < 65_536 ? 126 : 127;
    if (length < 65_536) head.writeUInt16BE(length, 2);
    else head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/** Answer an upgrade; returns `{ send(text), close() }` and calls `gone` once when the peer has left. */
export function accept(request, socket, gone) {
  const key = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  socket.setNoDelay(true);
  let open = true;
  const end = () => {
    if (!open) return;
    open = false;
    socket.destroy();
    gone();
  };
  // A browser here sends nothing but close (8), ping (9) and pong (10), each in one short frame.
  socket.on("data", (data) => (data[0] & 0x0f) === 8 && end());
  socket.on("close", end);
  socket.on("error", end);
  return { send: (text) => open && socket.write(frame(1, Buffer.from(text))), close: end };
}
