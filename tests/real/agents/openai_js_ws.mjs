// An agent on the WebSocket of the OpenAI SDK for JavaScript: one connection, deltas, tools.
// Called with the folder in which the SDK and `ws` are installed. With `--again` the SDK reconnects, the turn that was
// under way is sent again as it does, and responses are stored.
import { createRequire } from 'node:module';

const load = createRequire(`${process.argv[2]}/`);
const OpenAI = load('openai').default;
const { ResponsesWS } = load('openai/resources/responses/ws');
const tools = [
  {
    type: 'function', name: 'get_word', description: 'Returns a word.', strict: false,
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
  },
];
const again = process.argv.includes('--again');
let turn;
const send = () => socket.send({ type: 'response.create', model: 'gpt-5', tools, store: again, ...turn });
// While the SDK reconnects, it keeps what is sent for the new connection.
const socket = new ResponsesWS(new OpenAI(), again ? { reconnect: { onReconnecting: () => void setImmediate(send) } } : {});

function ask(members) {
  return new Promise((resolve, reject) => {
    const done = (act) => (value) => {
      socket.off('event', heard);
      act(value);
    };
    const heard = (event) => {
      if (['response.completed', 'response.incomplete'].includes(event.type)) done(resolve)(event.response);
      else if (['error', 'response.failed'].includes(event.type)) done(reject)(new Error(JSON.stringify(event)));
    };
    socket.on('event', heard);
    socket.once('error', again ? () => {} : done(reject)); // the loss of a connection is told as one, too
    socket.once('close', () => done(reject)(new Error('the connection ended')));
    turn = members;
    send();
  });
}

for (const conversation of process.env.SEGUE_TASK.split('\n\n')) {
  let parent;
  for (const message of conversation.split('\n')) {
    let input = [{ role: 'user', content: message }];
    while (input.length) {
      const response = await ask({ input, ...(parent ? { previous_response_id: parent } : {}) });
      parent = response.id;
      input = response.output
        .filter((item) => item.type === 'function_call')
        .map((item) => ({ type: 'function_call_output', call_id: item.call_id, output: 'The word is thimble.' }));
    }
    console.log('answered');
  }
}
socket.close();
