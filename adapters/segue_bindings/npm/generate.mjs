// Reads the prepared schema from standard input and writes its types to standard output.
import { readFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const schema = JSON.parse(readFileSync(0, "utf8"));
const text = await compile(schema, "Segue", {
  additionalProperties: false,
  bannerComment: "",
  format: true,
  style: { printWidth: 110 },
  unknownAny: true,
  unreachableDefinitions: true,
});
process.stdout.write(text);
