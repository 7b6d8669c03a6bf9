// Reads cases from standard input, runs the compiled bindings on them and writes what came out.
import { readFileSync } from "node:fs";
import * as digest from "./built/digest.js";
import { isKnownItem, openItemType } from "./built/models.js";

const { again, items, contexts, histories, parsed } = JSON.parse(readFileSync(0, "utf8"));

/** The digest, or null where it is refused in the helper's own words; any other error is a fault. */
async function reached(promise) {
  try {
    return await promise();
  } catch (error) {
    if (error instanceof digest.DigestError) return null;
    throw error;
  }
}

const all = (cases, of) => Promise.all(cases.map((one) => reached(() => of(one))));
const bytes = (text) => new TextEncoder().encode(text);

process.stdout.write(
  JSON.stringify({
    again: again.map((text) => JSON.stringify(JSON.parse(text))),
    items: await all(items, digest.itemDigest),
    itemBytes: await all(items, (text) => digest.itemDigest(bytes(text))),
    contexts: await all(contexts, digest.contextDigest),
    parsed: await all(parsed, (text) => digest.itemDigest(JSON.parse(text))),
    histories: await all(histories, ({ items, base, base_length }) => digest.chain(items, base, base_length)),
    open: [isKnownItem({ type: openItemType("vendor:x") }), isKnownItem({ type: "compaction" })],
  }),
);
