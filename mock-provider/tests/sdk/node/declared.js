'use strict';
// What the SDK declares about its objects, read from its type declarations: which fields each has
// always, which perhaps, and what is in them.

const fs = require('node:fs');
const path = require('node:path');

const RESOURCES = path.join(path.dirname(require.resolve('stripe')), 'resources');

// The SDK hangs the first on every answer; the others are of older versions of the API, whose SDKs
// still read them.
const OTHERS = new Set(['lastResponse', 'destination', 'dispute']);

const declared = new Map();

/** The fields of an interface by its whole name, such as `PaymentIntent.AmountDetails`. */
function fieldsOf(name) {
  if (!declared.has(name)) {
    const file = path.join(RESOURCES, `${name.split('.')[0]}s.d.ts`);
    if (fs.existsSync(file)) read(fs.readFileSync(file, 'utf8'));
  }
  return declared.get(name);
}

/** Reads the interfaces of a file, which are indented by four blanks for each namespace. */
function read(text) {
  const namespaces = [];
  let fields;
  for (const line of text.split('\n')) {
    const depth = line.search(/\S/) / 4;
    const begins = /^\s*(?:export )?(?:declare )?(interface|namespace) (\w+)[^{]*\{(\})?$/.exec(line);
    const field = /^\s*(\w+)(\?)?: (.*);$/.exec(line);
    if (begins) {
      const name = [...namespaces.slice(0, depth), begins[2]].join('.');
      if (begins[1] === 'namespace') namespaces.splice(depth, Infinity, begins[2]);
      else declared.set(name, (fields = Object.assign(new Map(), { depth })));
    } else if (field && fields && depth === fields.depth + 1) {
      fields.set(field[1], { always: !field[2], type: field[3] });
    } else if (line.trim() === '}' && fields && depth === fields.depth) {
      fields = undefined;
    }
  }
}

/** The whole name of a type that is named so within an interface: the nearest namespace counts. */
function nameOf(type, within) {
  const outer = within.split('.');
  const names = outer.map((_, inner) => [...outer.slice(0, outer.length - inner), type].join('.'));
  return [...names, type].find((name) => fieldsOf(name));
}

/**
 * What is wrong with a value that is declared to be of that type, a line each: fields that are
 * missing, that nobody declared, or that hold something else.
 */
function wrong(value, type, place, within = '') {
  const kinds = type.split('|').map((kind) => kind.trim());
  const isOne = kinds.some((kind) => fits(value, kind, within));
  if (!isOne) return [`${place}: ${JSON.stringify(value)} is no ${type}`];
  if (Array.isArray(value)) {
    const item = /Array<(.*)>/.exec(type);
    return item ? value.flatMap((each, at) => wrong(each, item[1], `${place}[${at}]`, within)) : [];
  }
  if (value === null || typeof value !== 'object') return [];
  const all = kinds.map((kind) => nameOf(kind, within)).filter(Boolean);
  const every = all.map((name) => wrongFields(value, name, place));
  return every.sort((one, other) => one.length - other.length)[0] ?? [];
}

function wrongFields(value, whole, place) {
  const fields = fieldsOf(whole);
  const missing = [...fields]
    .filter(([name, field]) => field.always && !Object.hasOwn(value, name))
    .map(([name]) => `${place}.${name}: missing`);
  const own = Object.entries(value).filter(([name]) => !OTHERS.has(name));
  const others = own.flatMap(([name, inner]) => {
    const field = fields.get(name);
    const inside = `${place}.${name}`;
    return field ? wrong(inner, field.type, inside, whole) : [`${inside}: unknown`];
  });
  return [...missing, ...others];
}

function fits(value, kind, within) {
  switch (kind) {
    case 'null': return value === null;
    case 'string': case 'number': case 'boolean': return typeof value === kind;
    default:
  }
  if (kind.startsWith("'")) return value === kind.slice(1, -1);
  if (kind.startsWith('Array<')) return Array.isArray(value);
  // Words of an enumeration have names of types too; which words there are is not read.
  if (typeof value === 'string') return !nameOf(kind, within) && kind !== 'Metadata';
  return value !== null && typeof value === 'object';
}

module.exports = { fieldsOf, wrong };
