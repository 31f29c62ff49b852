import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type AgentMessage, decodeMessage, encodeMessage, messageTypes, payloadTypes } from '../exec/agent-message.ts';

const id = 'dd01e56b-ff48-483e-a508-b5f073f31b16';

/** The client's side of a data channel, as the session-manager-plugin has it. */
export class PluginClient {
  readonly #socket: WebSocket;
  /** Each message that came, those that came again included. */
  readonly received: AgentMessage[] = [];
  /** What it does not acknowledge. */
  ignores: (message: AgentMessage) => boolean = () => false;
  #sequence = 0;
  #expected = 0;
  output = '';
  /** Of the message that ended the session. */
  closedWith: string | undefined;

  constructor(streamUrl: string) {
    this.#socket = new WebSocket(streamUrl);
    this.#socket.on('message', (data) => this.#take(decodeMessage(data as Buffer)));
  }

  async begin(tokenValue: string): Promise<void> {
    await once(this.#socket, 'open');
    this.#socket.send(
      JSON.stringify({ MessageSchemaVersion: '1.0', TokenValue: tokenValue, ClientVersion: '1.2.0.0' }),
    );
  }

  type(text: string): void {
    this.sendInput(payloadTypes.bytes, text);
  }

  resize(cols: number, rows: number): void {
    this.sendInput(payloadTypes.size, JSON.stringify({ cols, rows }));
  }

  sendInput(payloadType: number, payload: string | Uint8Array, sequence = this.#sequence++): void {
    this.#send({ type: messageTypes.input, sequence, payloadType, payload: Buffer.from(payload) });
  }

  get acknowledged(): readonly number[] {
    return this.received
      .filter(({ type }) => type === messageTypes.acknowledge)
      .map(({ payload }) => {
        const content = JSON.parse(Buffer.from(payload).toString()) as { AcknowledgedMessageSequenceNumber: number };
        return content.AcknowledgedMessageSequenceNumber;
      });
  }

  async closed(): Promise<void> {
    if (this.#socket.readyState !== WebSocket.CLOSED) await once(this.#socket, 'close');
  }

  /** As if its machine had gone. */
  vanish(): void {
    this.#socket.terminate();
  }

  #take(message: AgentMessage): void {
    this.received.push(message);
    const text = Buffer.from(message.payload).toString();
    if (message.type === messageTypes.closed) this.closedWith = (JSON.parse(text) as { Output: string }).Output;
    if (message.type !== messageTypes.output || this.ignores(message)) return;
    // One that comes too early is dropped, where the plugin would keep it.
    if (message.sequence !== this.#expected) return;
    const acknowledgement = { AcknowledgedMessageSequenceNumber: message.sequence };
    const payload = Buffer.from(JSON.stringify(acknowledgement));
    this.#send({ type: messageTypes.acknowledge, sequence: 0, payloadType: 0, payload });
    this.#expected++;
    if (message.payloadType === payloadTypes.bytes) this.output += text;
    if (message.payloadType === payloadTypes.handshakeRequest) {
      const done = { ActionType: 'SessionType', ActionStatus: 1 };
      this.sendInput(payloadTypes.handshakeResponse, JSON.stringify({ ProcessedClientActions: [done] }));
    }
  }

  #send(message: Pick<AgentMessage, 'type' | 'sequence' | 'payloadType' | 'payload'>): void {
    this.#socket.send(encodeMessage({ ...message, flags: 0, id, createdMs: 1 }));
  }
}
