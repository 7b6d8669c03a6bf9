// aimock with one fixture: a model without memory. It answers with every text that the request held, so that what is
// missing from an answer was missing from the request; it calls the tools that it is asked to call, and keeps to
// max_output_tokens. Everything else, and all that goes over the wire, is aimock's own.
//
// node aimock.mjs FOLDER_WITH_ITS_NODE_MODULES; prints "READY URL"; ends when its standard input does. It takes the keys
// in REAL_FIRST_KEY and REAL_SECOND_KEY and no others.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const { createServer } = createRequire(join(resolve(process.argv[2]), "package.json"))("@copilotkit/aimock");

const partOf = (part) => (typeof part?.text === "string" ? part.text : "");
const textOf = ({ content }) => (Array.isArray(content) ? content.map(partOf).join("") : typeof content === "string" ? content : "");
const LONG = Array.from({ length: 200 }, (_, n) => `word${n + 1}`).join(" ");

function answer({ messages, tools = [], max_completion_tokens, max_tokens: most = max_completion_tokens }) {
  const last = messages.at(-1);
  const asked = last?.role === "user" ? textOf(last) : "";
  const called = tools.map((tool) => tool.function.name).filter((name) => asked.includes(name));
  if (/^call the tools? /i.test(asked) && called.length) {
    return { toolCalls: called.map((name) => ({ name, arguments: "{}" })) };
  }
  let content = messages.map(textOf).filter(Boolean).join("\n") || "nothing was said";
  if (/choose a random word/i.test(asked)) content = "marzipan";
  if (/long text/i.test(asked)) content = LONG;
  const words = content.split(/ +/);
  return most && words.length > most ? { content: words.slice(0, most).join(" "), finishReason: "length" } : { content };
}

const server = await createServer([{ match: {}, chunkSize: 16, response: answer }], {
  port: 0,
  host: "127.0.0.1",
  logLevel: "silent",
  auth: { apiKeys: [process.env.REAL_FIRST_KEY, process.env.REAL_SECOND_KEY] },
});
console.log(`READY ${server.url}`);
process.stdin.resume().on("end", () => process.exit(0));
