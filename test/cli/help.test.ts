import { readFileSync } from 'node:fs';
import test from 'ava';
import { commands } from '../../src/cli/commands.js';
import { helpWidth, renderCommandHelp, renderOverview, wrap } from '../../src/cli/help.js';
import { displayWidth } from '../../src/cli/output.js';
import { renderMarkdown } from '../../src/cli/reference.js';
import { command } from './support.js';

const paint = (_style: string, text: string) => text;

test('the overview lists every command', (t) => {
  const overview = renderOverview({ width: 80, paint });
  for (const { name, summary } of commands) t.regex(overview, new RegExp(`^  ${name} +${summary.slice(0, 20)}`, 'm'));
});

test('help fits the terminal, but for words that are longer than a line', (t) => {
  for (const width of [40, 60, 80, 110]) {
    for (const each of commands) {
      const text = renderCommandHelp(each, { width, paint }).replace(/\nExamples:\n.*$/s, '');
      const long = text.split('\n').filter((line) => displayWidth(line) > width && /\S+ +\S/.test(line.trim()));
      t.deepEqual(long.filter((line) => !line.startsWith('      --') && !line.startsWith('  -')), [], each.name);
    }
  }
});

test('help of a small command, whole', (t) => {
  t.is(
    renderCommandHelp(command('kill'), { width: 80, paint }),
    [
      'Usage: tsrun kill [flags] CONTAINER…',
      '',
      'Send a signal to containers.',
      '',
      'General:',
      '  -s, --signal SIGNAL  signal to send (default: SIGKILL)',
      '',
      'Examples:',
      '  tsrun kill -s HUP web',
      '      make a server read its configuration again',
      '',
    ].join('\n'),
  );
});

test('widths have bounds', (t) => {
  t.deepEqual([undefined, 10, 90, 500].map(helpWidth), [80, 40, 90, 110]);
  t.is(wrap('aa bb cc', 5, 2), '  aa bb\n  cc');
});

test('docs/cli.md is what the tables say: node scripts/write-cli-reference.mjs writes it', (t) => {
  t.is(readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8'), renderMarkdown());
});

test('links of the reference lead to its sections', (t) => {
  const text = renderMarkdown();
  const headings = new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-')));
  for (const [, target = ''] of text.matchAll(/\]\(#([^)]+)\)/g)) t.true(headings.has(target), target);
});
