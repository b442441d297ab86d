/** `docker-credential-<name> get`: the server's name on stdin, `{Username, Secret}` on stdout, faults on stdout with exit code 1. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable } from 'node:stream';
import { parseJson } from '../../spec/json.js';
import { printable, show } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import type { Credential } from './credential.js';
import type { RegistryHost } from './registry-host.js';

const mostBytes = 65_536;
const allowedName = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
/** As the helpers of docker/docker-credential-helpers say it. */
const nothingFound = /credentials not found|no credentials server URL|no credentials username/i;
/** In the place of a user: the secret is an identity token. */
const tokenUser = '<token>';

/** @throws ERR_TSRUN_REGISTRY where it is not there, fails, says something else, or takes too long */
export async function askHelper(name: string, server: string, host: RegistryHost): Promise<Credential | undefined> {
  if (!allowedName.test(name)) throw failed(`the name of a credential helper is ${show(name)}`, 'it is what follows docker-credential- in the name of a program on PATH');
  const program = `docker-credential-${name}`;
  const { code, output } = await runHelper(program, server, host);
  if (code === 0) return credentialOf(program, output);
  if (nothingFound.test(output)) return undefined;
  throw failed(`the credential helper ${program} failed: ${printable(output.trim(), 200)}`, `try it: echo ${printable(server)} | ${program} get`);
}

function failed(message: string, hint: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_REGISTRY', message, { hint, cause });
}

function credentialOf(program: string, output: string): Credential | undefined {
  let value;
  try {
    value = parseJson(output, program);
  } catch {
    // The reader's message would show a piece of what may be a secret.
    throw failed(`the credential helper ${program} did not answer in JSON`, 'is it a helper of docker\'s protocol?');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw failed(`the credential helper ${program} answered no object`, 'is it a helper of docker\'s protocol?');
  const { Username: username, Secret: secret } = value;
  if (typeof username !== 'string' || typeof secret !== 'string') throw failed(`the credential helper ${program} answered without Username and Secret`, 'is it a helper of docker\'s protocol?');
  if (secret === '') return undefined;
  return username === tokenUser ? { kind: 'identity', token: secret } : { kind: 'password', username, password: secret };
}

async function runHelper(program: string, server: string, host: RegistryHost): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...host.environment } });
  // The `timeout` of spawn is left running, and the caller's process with it, for a program that cannot be started (Node 20).
  const timer = setTimeout(() => child.kill('SIGKILL'), host.timeouts.helperMs);
  for (const end of ['close', 'error']) child.once(end, () => { clearTimeout(timer); });
  // One that does not read what it is asked closes the pipe.
  child.stdin.on('error', () => undefined).end(`${server}\n`);
  // What it started may hold its streams open.
  child.once('exit', (_, signal) => {
    if (signal !== null) for (const stream of [child.stdout, child.stderr]) stream.destroy();
  });
  const [said, complained, code] = await Promise.all([textOf(child.stdout, child), textOf(child.stderr, child), codeOf(child, program)]);
  return { code, output: said.trim() === '' ? complained : said };
}

function ended(program: string): TsrunError {
  return failed(`the credential helper ${program} was ended: it took too long or said too much`, 'does it wait for somebody to type?');
}

function codeOf(child: ChildProcessWithoutNullStreams, program: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(failed(`the credential helper ${program} cannot be started (${'code' in cause ? String(cause.code) : cause.message})`, 'it must be on PATH; or take it out of credHelpers and credsStore', cause));
    });
    child.once('close', (code, signal) => {
      if (signal === null) resolve(code);
      else reject(ended(program));
    });
  });
}

async function textOf(stream: Readable, child: ChildProcessWithoutNullStreams): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  // It may have ended before it could be killed.
  if (bytes > mostBytes) throw ended(child.spawnfile);
  return Buffer.concat(chunks).toString('utf8');
}
