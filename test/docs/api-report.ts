/** The public surface as signatures, sorted: a change of it is a change of `etc/tsrun.api.md` that somebody reviews. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { Surface, type Part } from './api-surface.js';
import { checkout } from './examples.js';

export const reportPath = 'etc/tsrun.api.md';

const head = `# The public surface

<!-- Generated from src/index.ts by \`npm run api\`. Change the sources, not this file. -->

Everything that \`tsrun\` exports, and every type that an export names, without comments and what is internal. Documentation
stands in the sources. What is marked *named* is part of the surface, but not exported by name.
`;

const printer = ts.createPrinter({ removeComments: true });

export function renderReport(parts: readonly Part[]): string {
  const sections = parts.map((part) => `## ${part.name}${part.exported ? '' : ' *(named)*'}\n\n\`\`\`ts\n${signature(part)}\n\`\`\`\n`);
  return [head, ...sections].join('\n');
}

function signature({ node, members = [] }: Part): string {
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) return holder(node, members);
  if (ts.isVariableDeclaration(node)) return `const ${node.name.getText()}${node.type === undefined ? initial(node) : `: ${print(node.type)}`};`;
  if (ts.isFunctionDeclaration(node)) return print(ts.factory.updateFunctionDeclaration(node, undefined, node.asteriskToken, node.name, node.typeParameters, node.parameters, node.type, undefined), node);
  if (ts.isTypeAliasDeclaration(node)) return print(ts.factory.updateTypeAliasDeclaration(node, undefined, node.name, node.typeParameters, node.type), node);
  return print(node);
}

/** Of a constant without a type its value is its type. */
function initial({ initializer }: ts.VariableDeclaration): string {
  return initializer === undefined ? '' : ` = ${print(initializer)}`;
}

function holder(node: ts.ClassDeclaration | ts.InterfaceDeclaration, members: readonly Part[]): string {
  const bases = (node.heritageClauses ?? []).filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword).map((clause) => print(clause));
  const kind = ts.isClassDeclaration(node) ? 'class' : 'interface';
  const lines = members
    .filter(({ node: member }) => member.parent === node)
    .map(({ node: member }) => print(withoutBody(member), member).replaceAll(/^/gm, '  '));
  return [`${kind} ${[node.name?.text ?? '', ...bases.map((base) => base.trim())].join(' ')} {`, ...lines.sort(), '}'].join('\n');
}

function withoutBody(member: ts.Declaration): ts.Node {
  const { factory } = ts;
  const kept = (ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []).filter(({ kind }) => kind === ts.SyntaxKind.StaticKeyword || kind === ts.SyntaxKind.ReadonlyKeyword);
  if (ts.isMethodDeclaration(member)) return factory.updateMethodDeclaration(member, kept, undefined, member.name, member.questionToken, member.typeParameters, member.parameters, member.type, undefined);
  if (ts.isGetAccessorDeclaration(member)) return factory.updateGetAccessorDeclaration(member, kept, member.name, member.parameters, member.type, undefined);
  if (ts.isPropertyDeclaration(member)) return factory.updatePropertyDeclaration(member, kept, member.name, member.questionToken, member.type, member.type === undefined ? member.initializer : undefined);
  return member;
}

function print(node: ts.Node, place: ts.Node = node): string {
  return printer.printNode(ts.EmitHint.Unspecified, node, place.getSourceFile());
}

if (process.argv[1] === import.meta.filename) writeFileSync(join(checkout, reportPath), renderReport(new Surface().parts));
