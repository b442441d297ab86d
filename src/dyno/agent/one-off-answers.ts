/** What the owner of a formation answers about one-off dynos. */
import type { Socket } from 'node:net';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { Formation } from '../formation.js';
import type { Attachment } from '../one-off/attachment.js';
import type { OneOff } from '../one-off/one-off.js';
import { clientWord, isOf, parseLine, piecesOf, send, type DynoEnd, type Request } from './protocol.js';

/** Its name, and when it has ended, how. It runs on when who has asked goes. */
export async function answerRun(formation: Formation, { command, options }: Extract<Request, { op: 'run' }>, socket: Socket): Promise<void> {
  await answerWait(await formation.run(command, options), socket);
}

export async function answerWait({ name, exited }: OneOff, socket: Socket): Promise<void> {
  await send(socket, { item: name });
  const { cause, code } = await exited;
  await send(socket, { item: { cause, code } satisfies DynoEnd });
}

/**
 * Until the client has left, or the program has ended. A connection that is lost is a client that is.
 *
 * @param lines what the client says, after its request
 */
export async function answerAttach(oneOff: OneOff, socket: Socket, lines: AsyncIterable<string>): Promise<void> {
  const client = await oneOff.attach();
  // What somebody types at a program that reads no more is nobody's error here.
  client.on('error', () => undefined);
  const lose = () => {
    client.destroy();
  };
  socket.once('close', lose);
  if (socket.destroyed) lose();
  await send(socket, { item: { hasTerminal: client.hasTerminal } });
  void listen(client, socket, lines);
  for await (const bytes of client as AsyncIterable<Buffer>) for (const piece of piecesOf(bytes)) await send(socket, { item: piece.toString('base64') });
  socket.removeListener('close', lose);
}

/** What the client says. Lines are read whatever the program does, so that the loss of the client is seen. */
async function listen(client: Attachment, socket: Socket, lines: AsyncIterable<string>): Promise<void> {
  try {
    for await (const line of lines) {
      const word = parseLine(line);
      if (!isOf(clientWord, word)) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'the client of a one-off dyno has said what it cannot say');
      if (word.say === 'size') client.resize(word.rows, word.columns);
      else if (word.say === 'end') client.end();
      else if (word.say === 'detach') client.detach();
      else client.write(Buffer.from(word.base64, 'base64'), () => void send(socket, { taken: true }));
    }
  } catch {
    socket.destroy();
  }
}

/** To its program. @throws ERR_TSRUN_STATE where that does not run */
export async function answerKill({ container, name, state }: OneOff, signal: string | number): Promise<void> {
  if (container === undefined) throw new TsrunError('ERR_TSRUN_STATE', `the one-off dyno ${name} is ${state}`, { hint: 'its program does not run' });
  await container.kill(signal);
}

/** @throws ERR_TSRUN_NOT_FOUND */
export function oneOffOf({ oneOffs }: Formation, name: string): OneOff {
  const oneOff = oneOffs.find((each) => each.name === name);
  if (oneOff !== undefined) return oneOff;
  const there = oneOffs.map((each) => each.name).join(', ');
  throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no one-off dyno ${show(name)}`, { hint: there === '' ? 'none runs; one that has ended is in the log alone' : `there are ${there}` });
}
