// Digests of items, contexts and histories: the proof that two sides hold the same.
// <BANNER>
//
// An item's digest is SHA-256 over its canonical form as RFC 8785 (JCS) writes it; a history's digest is a
// chain, SHA-256(previous 32 bytes || item's 32 bytes), that starts from 32 zero bytes. Everything that can't
// be digested throws `DigestError`. Needs WebCrypto: Node 20, Deno, Bun, workers, browsers in a secure context.

/** An item or a context: its JSON text, or what `JSON.parse` made of it. */
export type Source = string | Uint8Array | object;

export type Digest = `segue1-sha256:${string}`;

/** The item, context or digest has no digest; the message says why. */
export class DigestError extends Error {
  override name = "DigestError";
}

type Members = { [name: string]: unknown };
type Rule = { text: boolean; parts: string; required: boolean };
type MemberRules = { [member: string]: Rule };

const PREFIX = "segue1-sha256:";
export const EMPTY_HISTORY: Digest = `${PREFIX}${"A".repeat(43)}`;

const ITEMS: { [type: string]: MemberRules } = {} // <ITEMS>
;
// Lists of these hold known parts by their type, and others that go in whole.
const PARTS: { [definition: string]: { [type: string]: MemberRules } } = {} // <PARTS>
;
// Lists of these hold one form whatever its type.
const PLAIN: { [definition: string]: MemberRules } = {} // <PLAIN>
;
// Members of a context whose null says the same as their absence.
const CONTEXT: readonly string[] = [] // <CONTEXT>
;
const OPEN_ITEM_LEAVES: readonly string[] = ["id", "status", "encrypted_content"];
const DEPTH = 100;

/** Returns the digest of one item. */
export async function itemDigest(item: Source): Promise<Digest> {
  return hash(utf8(canonicalItem(item)));
}

/** Returns the digest of a whole context, not of its digest or patch form. */
export async function contextDigest(context: Source): Promise<Digest> {
  return hash(utf8(canonicalContext(context)));
}

/** Returns the history's digest after one more item; takes and returns digests. */
export async function extend(history: string, item: string): Promise<Digest> {
  const both = new Uint8Array(64);
  both.set(bytes(history), 0);
  both.set(bytes(item), 32);
  return hash(both);
}

/**
 * Returns digest and length of the history that goes on from `base` with these items, oldest first.
 * A compaction with `covers` at the very beginning stands for what came before it.
 */
export async function chain(
  items: Iterable<Source>,
  base: string = EMPTY_HISTORY,
  length = 0,
): Promise<{ digest: Digest; length: number }> {
  let history = written(bytes(base));
  for (const source of items) {
    const item = members(source);
    if (history === EMPTY_HISTORY && own(item, "type") === "compaction" && (own(item, "covers") ?? null) !== null) {
      const covers = object(own(item, "covers"), "`covers` of a compaction");
      const covered = own(covers, "length");
      if (typeof covered !== "number" || !Number.isSafeInteger(covered) || covered < 0) {
        throw new DigestError("`covers.length` must be a whole number from 0");
      }
      history = written(bytes(own(covers, "digest")));
      length = covered;
    }
    history = await extend(history, await itemDigest(item));
    length += 1;
  }
  return { digest: history, length };
}

/** Returns the text that is hashed for an item. */
export function canonicalItem(source: Source): string {
  let item = members(source);
  const kind = own(item, "type");
  if (typeof kind !== "string") throw new DigestError("an item's `type` must be a string");
  const record = lookup(ITEMS, kind);
  if (record === undefined) {
    return joined(Object.keys(item).filter((name) => !OPEN_ITEM_LEAVES.includes(name)), (name) => jcs(item[name], DEPTH - 1));
  }
  const content = own(item, "content");
  if (kind === "message" && typeof content === "string") {
    // A text equals its one-part form.
    const part = own(item, "role") === "assistant" ? "output_text" : "input_text";
    item = { ...item, content: [{ type: part, text: content }] };
  }
  return known(record, item, kind);
}

/** Returns the text that is hashed for a context. */
export function canonicalContext(source: Source): string {
  const context = members(source);
  if (Object.hasOwn(context, "base") && Object.hasOwn(context, "patch")) {
    throw new DigestError("a context patch has no digest of its own; apply it to its base first");
  }
  const names = Object.keys(context).filter((name) => context[name] !== null || !CONTEXT.includes(name));
  return joined(names, (name) => jcs(context[name], DEPTH - 1));
}

function known(record: MemberRules, item: Members, kind: string): string {
  const form = new Map<string, string>();
  for (const [name, rule] of Object.entries(record)) {
    const value = own(item, name) ?? null;
    if (typeof value === "string" && rule.text) form.set(name, text(value));
    else if (Array.isArray(value) && rule.parts !== "") {
      form.set(name, `[${value.map((inner: unknown) => part(rule.parts, inner)).join(",")}]`);
    } else if (value !== null || rule.required) {
      throw new DigestError(`\`${name}\` of a ${kind} is missing or has no canonical form`);
    }
  }
  return joined([...form.keys()], (name) => form.get(name) ?? "");
}

function part(definition: string, value: unknown): string {
  const inner = object(value, "a part");
  const kind = own(inner, "type");
  if (typeof kind !== "string") throw new DigestError("a part must have a `type`");
  const record = lookup(PLAIN, definition) ?? lookup(lookup(PARTS, definition) ?? {}, kind);
  return record === undefined ? jcs(inner, DEPTH - 2) : known(record, inner, kind);
}

// --- RFC 8785 ------------------------------------------------------------------------------------

function jcs(value: unknown, room: number): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return text(value);
  if (typeof value === "number") return number(value);
  if (typeof value !== "object") throw new DigestError(`${typeof value} is no JSON`);
  if (room === 0) throw new DigestError(`nested deeper than ${DEPTH}: no reader takes it`);
  if (Array.isArray(value)) return `[${value.map((inner) => jcs(inner, room - 1)).join(",")}]`;
  const inner = value as Members;
  return joined(Object.keys(inner), (name) => jcs(inner[name], room - 1));
}

/** Members in the order of their names' UTF-16 code units, which is how JavaScript compares strings. */
function joined(names: string[], member: (name: string) => string): string {
  return `{${names.sort().map((name) => `${text(name)}:${member(name)}`).join(",")}}`;
}

function text(value: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new DigestError("a string holds a lone surrogate");
  return JSON.stringify(value);
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new DigestError("NaN and Infinity are no JSON");
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER && Math.abs(value) < 1e21) {
    throw new DigestError("readers do not agree on integers beyond 2^53 - 1: send the number as a string");
  }
  return String(value); // RFC 8785 writes numbers as ECMAScript does; -0 is 0
}

// --- reading -------------------------------------------------------------------------------------

function members(source: Source): Members {
  const isText = typeof source === "string" || source instanceof Uint8Array;
  return object(isText ? new Reader(source).whole() : source, "an item or a context");
}

function object(value: unknown, what: string): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new DigestError(`${what} must be an object`);
  return value as Members;
}

/** What an object holds itself: a member named `constructor` is not the one that it inherits. */
function own(of: Members, name: string): unknown {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

function lookup<T>(table: { [name: string]: T }, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** I-JSON (RFC 7493): `JSON.parse` keeps the last of two members of one name, and other readers the first. */
class Reader {
  private readonly source: string;
  private readonly token = /[ \t\n\r]*([{}[\]:,]|"(?:[^"\\\u0000-\u001f]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)/y;

  constructor(source: string | Uint8Array) {
    try {
      this.source = typeof source === "string" ? source : decoder().decode(source);
    } catch {
      throw new DigestError("the bytes are no UTF-8");
    }
  }

  whole(): unknown {
    const value = this.value(this.next(), DEPTH);
    if (/[^ \t\n\r]/.test(this.source.slice(this.token.lastIndex))) throw new DigestError("something stands behind the JSON");
    return value;
  }

  private next(): string {
    const found = this.token.exec(this.source)?.[1];
    if (found === undefined) throw new DigestError("no JSON");
    return found;
  }

  private expect(token: string): void {
    if (this.next() !== token) throw new DigestError(`no JSON: expected ${token}`);
  }

  private value(token: string, room: number): unknown {
    if (token !== "{" && token !== "[") return this.scalar(token);
    if (room === 0) throw new DigestError(`nested deeper than ${DEPTH}`);
    return token === "{" ? this.object(room - 1) : this.array(room - 1);
  }

  private scalar(token: string): unknown {
    let value: unknown;
    try {
      value = JSON.parse(token);
    } catch {
      throw new DigestError(`no JSON: ${token.slice(0, 20)}`);
    }
    if (typeof value === "string") text(value);
    if (typeof value === "number" && !Number.isFinite(value)) throw new DigestError("a number is beyond the range of a double");
    return value;
  }

  private object(room: number): Members {
    const found = Object.create(null) as Members; // `__proto__` is a name like any other
    for (let token = this.next(); token !== "}"; ) {
      const name = this.scalar(token);
      if (typeof name !== "string") throw new DigestError("no JSON: a name is a string");
      if (Object.hasOwn(found, name)) throw new DigestError(`an object has the name ${token} twice`);
      this.expect(":");
      found[name] = this.value(this.next(), room);
      token = this.next();
      if (token === "}") break;
      if (token !== ",") throw new DigestError("no JSON: expected , or }");
      token = this.next();
      if (token === "}") throw new DigestError("no JSON: a comma before }");
    }
    return found;
  }

  private array(room: number): unknown[] {
    const found: unknown[] = [];
    for (let token = this.next(); token !== "]"; ) {
      found.push(this.value(token, room));
      token = this.next();
      if (token === "]") break;
      if (token !== ",") throw new DigestError("no JSON: expected , or ]");
      token = this.next();
      if (token === "]") throw new DigestError("no JSON: a comma before ]");
    }
    return found;
  }
}

// --- bytes and strings ---------------------------------------------------------------------------

// Said here so that the file compiles without the types of a browser or of Node.
interface Platform {
  crypto: { subtle: { digest(name: string, data: Uint8Array): Promise<ArrayBuffer> } };
  TextEncoder: new () => { encode(value: string): Uint8Array };
  TextDecoder: new (name: string, how: { fatal: boolean; ignoreBOM: boolean }) => { decode(value: Uint8Array): string };
  btoa(value: string): string;
  atob(value: string): string;
}
const platform = globalThis as unknown as Platform;

function utf8(value: string): Uint8Array {
  return new platform.TextEncoder().encode(value);
}

function decoder(): { decode(value: Uint8Array): string } {
  return new platform.TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
}

async function hash(data: Uint8Array): Promise<Digest> {
  return written(new Uint8Array(await platform.crypto.subtle.digest("SHA-256", data)));
}

function written(digest: Uint8Array): Digest {
  const base64 = platform.btoa(String.fromCharCode(...digest));
  return `${PREFIX}${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

function bytes(digest: unknown): Uint8Array {
  if (typeof digest !== "string" || !/^segue1-sha256:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(digest)) {
    throw new DigestError(`not a digest: expected "${PREFIX}" and 43 characters of base64url`);
  }
  const base64 = digest.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(platform.atob(base64), (character) => character.charCodeAt(0));
}
