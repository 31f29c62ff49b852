import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';

/**
 * A client's end of a WebSocket after the handshake, as a stream of bytes in binary messages. By hand, since ws takes
 * no protocol with a slash in its name.
 */
export function webSocketTunnel(socket: Duplex): Duplex {
  let buffered: Buffer = Buffer.alloc(0);
  const tunnel: Duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, callback) => void socket.write(maskedFrame(2, chunk), () => callback()),
    final: (callback) => void socket.write(maskedFrame(8, Buffer.from([0x03, 0xe8])), () => callback()),
    destroy: (error, callback) => {
      socket.destroy();
      callback(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let frame = readFrame(buffered); frame !== undefined; frame = readFrame(buffered)) {
      buffered = buffered.subarray(frame.bytes);
      if (frame.opcode === 2 || frame.opcode === 0) {
        if (frame.payload.length > 0 && !tunnel.push(frame.payload)) socket.pause();
      } else if (frame.opcode === 8) tunnel.push(null);
      else if (frame.opcode === 9) socket.write(maskedFrame(10, frame.payload));
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => tunnel.destroy());
  return tunnel;
}

function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const short = payload.length < 126;
  const head = Buffer.alloc(short ? 2 : 10);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(0x80 | (short ? payload.length : 127), 1);
  if (!short) head.writeBigUInt64BE(BigInt(payload.length), 2);
  const mask = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let at = 0; at < masked.length; at++) masked[at] = (masked[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([head, mask, masked]);
}

function readFrame(
  buffer: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly bytes: number } | undefined {
  if (buffer.length < 2) return undefined;
  const length = buffer.readUInt8(1);
  const headBytes = length < 126 ? 2 : length === 126 ? 4 : 10;
  if (buffer.length < headBytes) return undefined;
  const payloadBytes =
    length < 126 ? length : length === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
  const bytes = headBytes + payloadBytes;
  if (buffer.length < bytes) return undefined;
  return { opcode: buffer.readUInt8(0) & 0x0f, payload: buffer.subarray(headBytes, bytes), bytes };
}
