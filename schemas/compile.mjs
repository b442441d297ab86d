// From JSON schemas and rules (src/spec/schema-rules/rule.ts) to TypeScript in the language of src/spec/shape.ts. Whatever it does not
// understand whole is an error, so that nothing that a schema demands goes unseen.

const rootFile = 'config-schema.json';
/** What says nothing of a value. */
const remarks = ['$schema', 'description'];

const upperFirst = (name) => name[0].toUpperCase() + name.slice(1);
/** `IDMapping` → `idMapping`. */
const lowerFirst = (name) => name.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (letters) => letters.toLowerCase());
const quoted = (text) => `'${text.replace(/[\\']/g, '\\$&')}'`;
const isIdentifier = (name) => /^[A-Za-z_]\w*$/.test(name);

/** What parts of a rule can be said of. */
const keywordOf = { noun: 'enum', names: 'enum', least: 'items', most: 'items', key: 'additionalProperties' };

/**
 * @param schemas by file name
 * @param rules by place
 * @returns the text of a module, and what is beyond the schemas: rules by the places of a spec that they are about
 */
export function compileSchemas(schemas, rules) {
  const compiler = new Compiler(schemas, rules);
  compiler.shape({ schema: schemas[rootFile], file: rootFile, places: [''], type: [], name: 'spec' });
  compiler.assertAllUsed();
  return { text: compiler.text(), beyond: compiler.beyond };
}

class Compiler {
  beyond = {};
  #schemas;
  #rules;
  #used = new Set();
  #imports = new Set();
  /** Names of constants by what they are: definitions that several places refer to are there once. */
  #names = new Map();
  #constants = [];

  constructor(schemas, rules) {
    this.#schemas = schemas;
    this.#rules = rules;
  }

  /** An expression for what stands at a node: a schema with its file, the places that it has, the type's path and a name for it. */
  shape(given) {
    const node = this.#resolved(given);
    const rule = this.#ruleOf(node);
    if (Object.keys(rule).length > 0) this.beyond[node.places[0]] = rule;
    if (rule.shape !== undefined) {
      if (this.#hasFields(node)) fail(node, 'a shape in this place would hide its fields');
      return this.#reference(node, 'shape');
    }
    const misplaced = Object.keys(keywordOf).find((part) => rule[part] !== undefined && node.schema[keywordOf[part]] === undefined);
    if (misplaced !== undefined) fail(node, `a rule has "${misplaced}", but the schema no "${keywordOf[misplaced]}"`);
    const plain = this.#plain(node, rule);
    return rule.around === undefined ? plain : `${this.#reference(node, 'around')}(${plain})`;
  }

  #hasFields({ schema, ...node }) {
    const within = schema.items ?? schema.additionalProperties;
    return schema.properties !== undefined || (within !== undefined && this.#hasFields(this.#resolved({ ...node, schema: within })));
  }

  #plain(node, rule) {
    const { schema } = node;
    if (schema.enum !== undefined) return this.#enum(node, rule);
    if (schema.additionalProperties !== undefined) return this.#map(node, rule);
    if (schema.type === 'array') return this.#array(node, rule);
    if (schema.properties !== undefined) return this.#object(node);
    return this.#leaf(node);
  }

  #leaf(node) {
    const { type, minimum, maximum } = only(node, ['type', 'minimum', 'maximum']);
    if (type === 'boolean') return this.#import('boolean');
    if (type === 'string') return `${this.#import('text')}()`;
    if (type !== 'integer') fail(node, `needs a rule: no shape for ${JSON.stringify(node.schema)}`);
    // As JSON.parse has the largest of them.
    if (minimum === 0 && maximum === 2 ** 64) return this.#import('uint64');
    if (!Number.isSafeInteger(minimum) || !Number.isSafeInteger(maximum)) fail(node, 'needs a rule: its numbers have no bounds within which they are exact');
    return `${this.#import('integer')}(${minimum}, ${maximum})`;
  }

  #enum(node, { noun, names: choose }) {
    const { enum: own } = only(node, ['type', 'enum']);
    if (noun === undefined) fail(node, 'needs a rule with a noun for its names');
    const list = (choose?.(own) ?? own).map((name) => `\n  ${quoted(name)},`).join('');
    const names = this.#constant(`${node.name}Names`, node, `[${list}\n] as const`);
    return this.#constant(`${node.name}Shape`, node, `${this.#import('oneOf')}(${quoted(noun)}, ${names})`);
  }

  #array(node, { least = 0, most = Infinity }) {
    const { items, minItems = 0 } = only(node, ['type', 'items', 'minItems']);
    const item = this.shape(below(node, items, '*', 'number'));
    const bounds = [Math.max(least, minItems), most];
    const shown = most === Infinity ? bounds.filter((bound) => bound > 0 && bound < Infinity) : bounds;
    return `${this.#import('array')}(${[item, ...shown].join(', ')})`;
  }

  #map(node, { key }) {
    const { additionalProperties } = only(node, ['type', 'additionalProperties']);
    const value = this.shape(below(node, additionalProperties, '*', 'string'));
    return `${this.#import('record')}(${key === undefined ? value : `${value}, ${this.#reference(node, 'key')}`})`;
  }

  #object(node) {
    const { properties, required = [] } = only(node, ['type', 'properties', 'required']);
    for (const name of required) if (properties[name] === undefined) fail(node, `requires ${name}, which it does not describe`);
    // What is required first: of several that are missing, the first is told.
    const fields = [...new Set([...required, ...Object.keys(properties)])].flatMap((name) => {
      const field = below(node, properties[name], name, quoted(name));
      const rule = this.#ruleOf(this.#resolved(field));
      if (rule.elsewhere) return [];
      if (rule.required === required.includes(name)) fail(field, `a rule says what the schema says: it is ${rule.required ? 'required' : 'optional'}`);
      const shape = this.shape(field);
      return [`\n  ${isIdentifier(name) ? name : quoted(name)}: ${rule.required ?? required.includes(name) ? shape : `${this.#import('optional')}(${shape})`},`];
    });
    return this.#constant(`${node.name}Shape`, node, `{${fields.join('')}\n}`, `${this.#import('object')}<At<[${node.type.join(', ')}]>>`);
  }

  /** The name of a constant that is `value`, in parentheses behind `call` if there is one. */
  #constant(base, node, value, call) {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const taken = [...this.#names.values()];
    const parents = node.type.map((part) => part.replaceAll(/\W/g, '')).slice(0, -1).reverse();
    const name = parents.reduce((longer, parent) => (taken.includes(longer) ? `${parent}${upperFirst(longer)}` : longer), base);
    if (taken.includes(name)) fail(node, `another one is called ${name}`);
    this.#names.set(value, name);
    this.#constants.push(`// ${named(node)}\nexport const ${name} = ${call === undefined ? value : `${call}(${value})`};\n`);
    return name;
  }

  /** What references and compositions lead to, with the places of the definitions on the way. */
  #resolved(node) {
    const { $ref, anyOf, allOf, ...rest } = node.schema;
    if ($ref !== undefined) return this.#resolved(this.#follow(node, $ref));
    if (anyOf?.length === 1) return this.#resolved({ ...node, schema: anyOf[0] });
    if (anyOf !== undefined) fail(node, 'anyOf of several');
    if (allOf === undefined) return node;
    const parts = allOf.map((schema) => this.#resolved({ ...node, schema }));
    return {
      ...node,
      places: [...new Set(parts.flatMap(({ places }) => places))],
      schema: {
        ...rest,
        type: 'object',
        properties: Object.assign({}, ...parts.map((part) => only(part, ['type', 'properties', 'required']).properties)),
        required: parts.flatMap(({ schema }) => schema.required ?? []),
      },
    };
  }

  #follow(node, reference) {
    const [file, path] = reference.split('#');
    const target = file === '' ? node.file : file;
    const schema = path.split('/').slice(1).reduce((value, key) => value?.[key], this.#schemas[target]);
    if (schema === undefined) fail(node, `${reference} leads nowhere`);
    const definition = /^\/definitions\/(\w+)$/.exec(path)?.[1];
    if (definition === undefined) return { ...node, schema, file: target };
    return { ...node, schema, file: target, places: [...node.places, `#${definition}`], name: lowerFirst(definition) };
  }

  /** What is said of a place goes before what is said of its definition. */
  #ruleOf({ places }) {
    const found = places.filter((place) => Object.hasOwn(this.#rules, place));
    for (const place of found) this.#used.add(place);
    return Object.assign({}, ...found.reverse().map((place) => this.#rules[place]));
  }

  /** How the generated code names a part of a rule. */
  #reference({ places }, part) {
    return `rules[${quoted(places.find((place) => this.#rules[place]?.[part] !== undefined))}].${part}`;
  }

  #import(name) {
    this.#imports.add(name);
    return name;
  }

  assertAllUsed() {
    const unused = Object.keys(this.#rules).filter((place) => !this.#used.has(place));
    if (unused.length > 0) throw new Error(`rules for what the schemas do not have: ${unused.join(', ')}`);
  }

  text() {
    return `// Generated from schemas/ and src/spec/schema-rules/ by schemas/generate.mjs. Do not edit.
import { rules } from './schema-rules/rules.js';
import { ${[...this.#imports].sort().join(', ')} } from './shape.js';
import type { Spec } from './types.js';

/** The type of what stands at a place of a spec. */
type At<Path extends readonly unknown[], T = Spec> = Path extends readonly [infer Key extends keyof NonNullable<T>, ...infer Rest] ? At<Rest, NonNullable<T>[Key]> : NonNullable<T>;

${this.#constants.join('\n')}`;
  }
}

function below(node, schema, key, type) {
  return { ...node, schema, places: node.places.map((place) => `${place}/${key}`), type: [...node.type, type], name: key === '*' ? node.name : key };
}

/** The schema, if it has no other keywords than these. */
function only(node, keywords) {
  const others = Object.keys(node.schema).filter((key) => !keywords.includes(key) && !remarks.includes(key));
  if (others.length > 0) fail(node, `needs a rule: not understood is ${others.join(', ')}`);
  return node.schema;
}

function fail(node, reason) {
  throw new Error(`${named(node)}: ${reason}`);
}

function named({ places }) {
  return places.filter(Boolean).join(', ') || 'config.json';
}
