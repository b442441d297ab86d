/**
 * The public surface: what `src/index.ts` exports, and every type of ours that can be reached from there. What is marked
 * `@internal` is reachable for other parts of tsrun only: it is no part of the surface, nor is what only it names.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { checkout } from './examples.js';

export interface Part {
  /** `Runtime`, `Runtime.run`, `ContainerStats.pressure.cpu`. */
  readonly name: string;
  /** Where it is declared, in the checkout. */
  readonly file: string;
  readonly node: ts.Declaration;
  readonly doc: string;
  readonly tags: readonly ts.JSDocTagInfo[];
  /** Given away by the index, not only named by something that is. */
  readonly exported: boolean;
  /** Absent for a member. */
  readonly members?: readonly Part[];
}

type Holder = ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeLiteralNode;

export class Surface {
  readonly #checker: ts.TypeChecker;
  readonly #parts = new Map<ts.Symbol, Part>();
  readonly #waiting: { readonly symbol: ts.Symbol; readonly name: string; readonly exported: boolean }[] = [];

  constructor(entry = 'src/index.ts') {
    const { config } = ts.readConfigFile(join(checkout, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: unknown };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, checkout);
    const program = ts.createProgram([join(checkout, entry)], { ...options, noEmit: true });
    this.#checker = program.getTypeChecker();
    const source = program.getSourceFile(join(checkout, entry));
    const module = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${entry} exports nothing`);
    for (const symbol of this.#checker.getExportsOfModule(module)) this.#await(symbol, symbol.name, true);
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#visit(next.symbol, next.name, next.exported);
  }

  /** By name. */
  get parts(): readonly Part[] {
    return [...this.#parts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #await(symbol: ts.Symbol, name: string, exported: boolean): void {
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
    if (!this.#parts.has(target)) this.#waiting.push({ symbol: target, name, exported });
  }

  #visit(symbol: ts.Symbol, name: string, exported: boolean): void {
    const node = symbol.declarations?.[0];
    if (node === undefined || this.#parts.has(symbol) || !isOurs(node)) return;
    const members: Part[] = [];
    this.#parts.set(symbol, { ...this.#part(symbol, name, node), exported, members });
    this.#walk(node, name, members);
  }

  /** Members, and the types that they name. */
  #walk(node: ts.Node, owner: string, members: Part[]): void {
    if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || (ts.isTypeLiteralNode(node) && !isInOneLine(node))) this.#walkMembers(node, owner, members);
    else if (!ts.isBlock(node)) {
      if (ts.isTypeReferenceNode(node)) this.#name(node.typeName);
      if (ts.isTypeQueryNode(node)) this.#name(node.exprName);
      ts.forEachChild(node, (child) => {
        this.#walk(child, owner, members);
      });
    }
  }

  #walkMembers(holder: Holder, owner: string, members: Part[]): void {
    if (!ts.isTypeLiteralNode(holder)) for (const { token, types } of holder.heritageClauses ?? []) {
      if (token === ts.SyntaxKind.ExtendsKeyword) for (const { expression } of types) this.#name(expression);
    }
    for (const member of holder.members) {
      const symbol = member.name === undefined ? undefined : this.#checker.getSymbolAtLocation(member.name);
      if (symbol === undefined || isHidden(member)) continue;
      const name = `${owner}.${symbol.name.replace(/^__@(\w+)@\d+$/, '[Symbol.$1]')}`;
      const part = this.#part(symbol, name, member);
      if (part.tags.some((tag) => tag.name === 'internal')) continue;
      members.push(part);
      ts.forEachChild(member, (child) => {
        this.#walk(child, name, members);
      });
    }
  }

  #name(node: ts.Node): void {
    const symbol = this.#checker.getSymbolAtLocation(node);
    if (symbol !== undefined && !(symbol.flags & ts.SymbolFlags.TypeParameter)) this.#await(symbol, node.getText(), false);
  }

  #part(symbol: ts.Symbol, name: string, node: ts.Declaration): Part {
    const doc = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker));
    return { name, file: node.getSourceFile().fileName.slice(checkout.length + 1), node, doc, tags: symbol.getJsDocTags(this.#checker), exported: false };
  }
}

/** Steps are made from the protocol, with a sentence each there; what is not in `src` is not ours. */
function isOurs(node: ts.Node): boolean {
  const { fileName } = node.getSourceFile();
  return fileName.startsWith(join(checkout, 'src/')) && !(fileName.endsWith('.generated.ts') && ts.isInterfaceDeclaration(node));
}

/** `{ rows: number; columns: number }` is explained by what it belongs to. */
function isInOneLine(node: ts.Node): boolean {
  return !node.getText().includes('\n');
}

function isHidden(member: ts.Declaration): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(member) & hidden) !== 0 || (ts.isClassElement(member) && member.name !== undefined && ts.isPrivateIdentifier(member.name));
}
