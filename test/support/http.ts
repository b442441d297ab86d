/** HTTP through a socket inside a container's network namespace. */
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Container } from '../../src/index.js';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** GET, or POST with a body. */
export async function ask(container: Container, port: number, path: string, body?: Buffer): Promise<Answer> {
  const socket = await container.connect(port);
  const sent = request({ path, method: body === undefined ? 'GET' : 'POST', createConnection: () => socket });
  const answered = new Promise<IncomingMessage>((resolve, reject) => sent.once('response', resolve).once('error', reject));
  sent.end(body);
  const response = await answered;
  const answer = { status: response.statusCode ?? 0, body: await text(response) };
  socket.destroy();
  return answer;
}
