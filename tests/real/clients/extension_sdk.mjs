// The OpenAI SDK for JavaScript on responses in the form of the extension: stream, helper, WebSocket.
// Called with the URL and the folder in which the SDK and `ws` are installed. Prints one line of JSON.
import { createRequire } from 'node:module';

const [, , url, folder] = process.argv;
const load = createRequire(`${folder}/`);
const OpenAI = load('openai').default;
const { ResponsesWS } = load('openai/resources/responses/ws');
const client = new OpenAI({ baseURL: `${url}/v1` });
const ENDS = ['response.completed', 'response.incomplete', 'response.failed'];

function summed(events) {
  const end = events[events.length - 1];
  const parts = end.response.output.filter((item) => item.type === 'message').flatMap((item) => item.content);
  return {
    end: end.type,
    events: events.length,
    deltas: events.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join(''),
    text: parts.map((part) => part.text ?? '').join(''),
    items: end.response.output.map((item) => item.type),
    extended: events.filter((event) => event.segue !== undefined).length,
  };
}

async function raw(name) {
  const events = [];
  for await (const event of await client.responses.create({ model: name, input: 'x', stream: true })) events.push(event);
  return summed(events);
}

async function helper(name) {
  const seen = [];
  let deltas = '';
  try {
    const stream = client.responses.stream({ model: name, input: 'x' });
    stream.on('event', (event) => {
      seen.push(event.type);
      if (event.type === 'response.output_text.delta') deltas += event.delta;
    });
    const final = await stream.finalResponse();
    return { end: seen[seen.length - 1], deltas, text: final.output_text, items: final.output.map((item) => item.type) };
  } catch (error) {
    return { broken: error.constructor.name, after: seen.length, why: String(error.message).slice(0, 120) };
  }
}

async function overWebSocket(names) {
  const socket = new ResponsesWS(client);
  const found = {};
  for (const name of names) {
    found[name] = await new Promise((resolve, reject) => {
      const events = [];
      const heard = (event) => {
        events.push(event);
        if (!ENDS.includes(event.type)) return;
        socket.off('event', heard);
        resolve(summed(events));
      };
      socket.on('event', heard);
      socket.once('error', reject);
      socket.send({ type: 'response.create', model: name, input: 'x' });
    });
  }
  socket.close();
  return found;
}

const names = Object.keys(await (await fetch(`${url}/readings`)).json());
const whole = names.find((name) => name.startsWith('first-turn'));
const each = async (read) => Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)])));
const foreign = {};
for (const place of ['first', 'later']) {
  const name = `${whole}+${place}`;
  foreign[place] = { raw: (await raw(name)).end, helper: await helper(name) };
}
console.log(JSON.stringify({ raw: await each(raw), helper: await each(helper), ws: await overWebSocket(names), foreign }));
