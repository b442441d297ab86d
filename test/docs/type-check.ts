/** Examples in the documentation, checked by the compiler as those of a reader who has installed the package. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { checkout } from './examples.js';

/** What the compiler has to say about programs, under the rules of this checkout. */
export function complaints(project: string, programs: Readonly<Record<string, string>>): string[] {
  const files = Object.entries(programs).map(([name, text]) => {
    const file = join(project, name);
    writeFileSync(file, text);
    return file;
  });
  const options: ts.CompilerOptions = { ...compilerOptions(), rootDir: project, noEmit: true, typeRoots: [join(checkout, 'node_modules/@types')] };
  return ts.getPreEmitDiagnostics(ts.createProgram(files, options)).map(({ file, start, messageText }) => {
    const place = file === undefined || start === undefined ? '' : `${basename(file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}: `;
    return place + ts.flattenDiagnosticMessageText(messageText, '\n');
  });
}

function compilerOptions(): ts.CompilerOptions {
  const read = ts.readConfigFile(join(checkout, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const config: unknown = read.config;
  const { options } = ts.parseJsonConfigFileContent({ ...Object(config), include: [], files: ['none.ts'] }, ts.sys, checkout);
  // What an example names may be for the reader to use.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false, declaration: false };
}
