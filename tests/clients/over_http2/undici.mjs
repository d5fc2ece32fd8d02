// SPDX-License-Identifier: Apache-2.0
// undici.mjs PARAMETERS: the visits by Node's fetch, which speaks HTTP/2 if told so.
import { Agent, fetch } from "undici";
import { visits } from "./visits.mjs";

const dispatcher = new Agent({ allowH2: true, pipelining: 100 });
// It lets a POST wait until its connection has no other request.
const parameters = { ...JSON.parse(process.argv[2]), methodBeside: "GET" };
console.log(JSON.stringify(await visits((url, options) => fetch(url, { ...options, dispatcher }), parameters)));
await dispatcher.destroy();
