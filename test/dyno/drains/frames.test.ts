import test from 'ava';
import { counted, endedByLineFeed, fileForms, logplexFrame, syslogMessage } from '../../../src/dyno/drains/frames.js';
import { journalEntry } from '../../../src/dyno/drains/journal-sink.js';
import type { LogLine } from '../../../src/dyno/log/line.js';

const line: LogLine = { timeMs: Date.UTC(2012, 10, 30, 6, 45, 29), source: 'heroku', dyno: 'web.3', message: 'State changed from starting to up' };

test('a frame of logplex: counted in bytes with its line break, without structured data', (t) => {
  t.is(logplexFrame(line), '94 <134>1 2012-11-30T06:45:29.000000+00:00 host heroku web.3 - State changed from starting to up\n');
  t.is(logplexFrame({ ...line, source: 'app', message: 'ü€' }), '63 <190>1 2012-11-30T06:45:29.000000+00:00 host app web.3 - ü€\n');
});

test('syslog: with the dash of structured data, the token as host, and both framings of RFC 6587', (t) => {
  const message = syslogMessage(line, 'd.1234');
  t.is(message, '<134>1 2012-11-30T06:45:29.000000+00:00 d.1234 heroku web.3 - - State changed from starting to up');
  t.is(counted('ü'), '2 ü');
  t.is(endedByLineFeed('a\nb'), 'a b\n');
});

test('the router has a priority of its own, and a program that calls itself so has not', (t) => {
  const said: LogLine = { ...line, dyno: 'router', message: 'at=error code=H14' };
  t.is(logplexFrame(said), '79 <158>1 2012-11-30T06:45:29.000000+00:00 host heroku router - at=error code=H14\n');
  t.is(syslogMessage(said, 'd.1'), '<158>1 2012-11-30T06:45:29.000000+00:00 d.1 heroku router - - at=error code=H14');
  t.true(syslogMessage({ ...said, source: 'app' }, 'd.1').startsWith('<190>1 '));
});

test('the forms of a file', (t) => {
  t.deepEqual(Object.values(fileForms).map((form) => form(line, 'd.1')), [
    '2012-11-30T06:45:29.000000+00:00 heroku[web.3]: State changed from starting to up\n',
    '{"time":"2012-11-30T06:45:29.000000+00:00","source":"heroku","dyno":"web.3","message":"State changed from starting to up"}\n',
    '{"log":"State changed from starting to up\\n","attrs":{"source":"heroku","dyno":"web.3"},"time":"2012-11-30T06:45:29.000000Z"}\n',
    '<134>1 2012-11-30T06:45:29.000000+00:00 d.1 heroku web.3 - - State changed from starting to up\n',
    logplexFrame(line),
  ]);
});

test('a line that was cut: without a line feed in the form of json-file, with the fields of docker in the journal', (t) => {
  const part = { ...line, source: 'app', message: 'ab', stream: 'stderr', partial: { id: 'web.3-1', ordinal: 1, last: false } } as const;
  const end = { ...part, message: '', partial: { id: 'web.3-1', ordinal: 2, last: true } };
  t.is(fileForms.docker(part, ''), '{"log":"ab","stream":"stderr","attrs":{"source":"app","dyno":"web.3"},"time":"2012-11-30T06:45:29.000000Z"}\n');
  t.is(fileForms.docker(end, ''), '{"log":"\\n","stream":"stderr","attrs":{"source":"app","dyno":"web.3"},"time":"2012-11-30T06:45:29.000000Z"}\n');
  t.is(fileForms.json(part, ''), '{"time":"2012-11-30T06:45:29.000000+00:00","source":"app","dyno":"web.3","stream":"stderr","message":"ab","partial":{"id":"web.3-1","ordinal":1,"last":false}}\n');
  const fields = (each: LogLine) => journalEntry(each, 'app').toString().split('\n').filter((field) => field.startsWith('CONTAINER_'));
  t.deepEqual(fields(part), ['CONTAINER_PARTIAL_ID=web.3-1', 'CONTAINER_PARTIAL_ORDINAL=1', 'CONTAINER_PARTIAL_LAST=false', 'CONTAINER_PARTIAL_MESSAGE=true']);
  t.deepEqual(fields(end), ['CONTAINER_PARTIAL_ID=web.3-1', 'CONTAINER_PARTIAL_ORDINAL=2', 'CONTAINER_PARTIAL_LAST=true'], 'of which docker says no longer that it is a part');
  t.deepEqual(fields(line), []);
});
