// An agent on the OpenAI SDK for JavaScript: streams, tools, previous_response_id. Errors are left to the SDK.
// Called with the folder in which the SDK is installed; `--helper` reads the stream by the SDK's helper.
import { createRequire } from 'node:module';

const OpenAI = createRequire(`${process.argv[2]}/`)('openai').default;
const helper = process.argv.includes('--helper');
const tools = [
  {
    type: 'function', name: 'get_word', description: 'Returns a word.', strict: false,
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
  },
];
const client = new OpenAI();

async function ask(members) {
  const body = { model: 'gpt-5', tools, ...members };
  if (helper) return client.responses.stream(body).finalResponse();
  let response;
  for await (const event of await client.responses.create({ ...body, stream: true })) {
    if (['response.completed', 'response.incomplete', 'response.failed'].includes(event.type)) response = event.response;
  }
  if (!response || response.status === 'failed') throw new Error(`no answer: ${JSON.stringify(response?.error)}`);
  return response;
}

for (const conversation of process.env.SEGUE_TASK.split('\n\n')) {
  let parent;
  for (const message of conversation.split('\n')) {
    let input = [{ role: 'user', content: message }];
    let response;
    while (input.length) {
      response = await ask({ input, ...(parent ? { previous_response_id: parent } : {}) });
      parent = response.id;
      input = response.output
        .filter((item) => item.type === 'function_call')
        .map((item) => ({ type: 'function_call_output', call_id: item.call_id, output: 'The word is thimble.' }));
    }
    console.log(JSON.stringify(response.output.filter((item) => item.type === 'message')));
  }
}
