// Writes docs/cli.md from the tables of the command line. Run it after a build: node scripts/write-cli-reference.mjs
import { writeFileSync } from 'node:fs';
import { renderMarkdown } from '../dist/src/cli/reference.js';

writeFileSync(new URL('../docs/cli.md', import.meta.url), renderMarkdown());
