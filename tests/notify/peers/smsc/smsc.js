// A message centre on top of npm's `smpp`: it takes, answers, receipts and delivers as the test asks over HTTP.
//
//   node smsc.js PORT CONTROL [KEY CERT]
//
// POST /ask {…}     change how it behaves (see `ask`)         POST /got     the submit_sm that it took
// POST /deliver […] deliver_sm, answers with their statuses   POST /release send held receipts {reverse}
// POST /drop        cut all connections                       POST /unbind  take leave
// POST /counts      how many of what
'use strict';

const fs = require('fs');
const http = require('http');
const smpp = require('smpp');

const [port, control, key, cert] = process.argv.slice(2);
const ask = {
  bind: 0, // status of the next binds
  reject: 0, // status of the next submit_sm …
  rejectAfter: 0, // … once so many have passed
  rejectTimes: 0, // … so many times
  silent: 0, // leave so many submit_sm without an answer
  late: 0, // answer those after so many ms all the same
  slow: 0, // answer submit_sm after so many ms
  deaf: false, // leave enquire_link without an answer
  receipts: 'after', // 'no', 'before' the answer, 'after' it, 'held' until released
  receiptAfter: 5, // ms
  word: 'DELIVRD',
  twice: false, // each receipt two times
  plain: false, // receipts without optional parameters
  hex: false, // ids hexadecimal in answers and decimal in receipts
  keep: true, // remember what came
};
const states = { DELIVRD: 2, EXPIRED: 3, UNDELIV: 5, REJECTD: 8 };
let got = [];
let held = [];
const count = { submits: 0, accepted: 0, binds: 0, enquiries: 0, underWay: 0, mostUnderWay: 0, answers: {} };
const sessions = [];

const two = (n) => String(n).padStart(2, '0');
const shanghai = () => {
  const d = new Date(Date.now() + 8 * 3600e3);
  return [d.getUTCFullYear() % 100, d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes()]
    .map(two).join('');
};
const newest = () => sessions[sessions.length - 1];

function receipt(p, n) {
  const at = shanghai();
  const text = `id:${n} sub:001 dlvrd:001 submit date:${at} done date:${at} stat:${ask.word} ` +
    `err:${ask.word === 'DELIVRD' ? '000' : '011'} text:id:0 stat:EXPIRED`;
  const told = {
    source_addr: p.destination_addr, destination_addr: p.source_addr, esm_class: 4, short_message: text,
  };
  if (!ask.plain) {
    told.receipted_message_id = ask.hex ? n.toString(16) : String(n);
    told.message_state = states[ask.word];
    if (p.user_message_reference !== undefined) told.user_message_reference = p.user_message_reference;
  }
  const send = () => {
    const session = newest();
    if (session) {
      session.deliver_sm(told, (r) => { count.answers[r.command_status] = (count.answers[r.command_status] || 0) + 1; });
    }
  };
  return () => { send(); if (ask.twice) send(); };
}

function remember(p, id) {
  const m = p.short_message;
  got.push({
    id, from: p.source_addr, to: p.destination_addr, ton: p.dest_addr_ton, npi: p.dest_addr_npi,
    coding: p.data_coding, esm: p.esm_class, receipt: p.registered_delivery, validity: p.validity_period,
    text: m && m.message, udh: m && m.udh ? m.udh.map((part) => part.toString('hex')) : [],
    mark: p.user_message_reference,
  });
}

function submit(session, p) {
  count.submits += 1;
  count.underWay += 1;
  count.mostUnderWay = Math.max(count.mostUnderWay, count.underWay);
  const answer = (fields) => { count.underWay -= 1; session.send(p.response(fields)); };
  if (ask.rejectTimes > 0 && ask.rejectAfter-- <= 0) {
    ask.rejectTimes -= 1;
    answer({ command_status: ask.reject });
    return;
  }
  const n = (count.accepted += 1);
  const id = ask.hex ? n.toString(16) : String(n);
  if (ask.keep) remember(p, id);
  const tell = p.registered_delivery && ask.receipts !== 'no' ? receipt(p, n) : null;
  const after = () => {
    if (ask.silent > 0) {
      ask.silent -= 1;
      if (ask.late) setTimeout(answer, ask.late, { message_id: id });
    } else if (ask.slow) setTimeout(answer, ask.slow, { message_id: id });
    else answer({ message_id: id });
  };
  if (tell && ask.receipts === 'before') { tell(); setTimeout(after, 50); return; }
  after();
  if (tell && ask.receipts === 'held') held.push(tell);
  else if (tell) setTimeout(tell, ask.receiptAfter);
}

const secure = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
const server = smpp.createServer(secure, (session) => {
  session.on('error', () => {});
  session.on('close', () => { const at = sessions.indexOf(session); if (at >= 0) sessions.splice(at, 1); });
  session.on('bind_transceiver', (p) => {
    count.binds += 1;
    const status = ask.bind || (p.password === 'secret' ? 0 : smpp.ESME_RINVPASWD);
    session.send(p.response(status ? { command_status: status } : { system_id: 'CENTRE' }));
    if (status) session.close(); else sessions.push(session);
  });
  session.on('unbind', (p) => { session.send(p.response()); session.close(); });
  session.on('enquire_link', (p) => { count.enquiries += 1; if (!ask.deaf) session.send(p.response()); });
  session.on('submit_sm', (p) => submit(session, p));
});
server.on('error', () => {});

// Base64 in JSON becomes octets.
const octets = (fields) => {
  const made = { ...fields };
  if (made.octets !== undefined) { made.short_message = Buffer.from(made.octets, 'base64'); delete made.octets; }
  return made;
};

const paths = {
  '/ask': (body, done) => { Object.assign(ask, body); done(ask); },
  '/counts': (_body, done) => done({ ...count, sessions: sessions.length, held: held.length }),
  '/got': (_body, done) => done(got),
  '/forget': (_body, done) => {
    got = []; Object.assign(count, { submits: 0, mostUnderWay: 0 }); done({});
  },
  '/drop': (_body, done) => { sessions.forEach((s) => s.destroy()); done({}); },
  '/unbind': (_body, done) => { sessions.forEach((s) => s.unbind()); done({}); },
  '/release': (body, done) => {
    const all = body.reverse ? held.reverse() : held;
    held = [];
    all.forEach((send) => send());
    done({ released: all.length });
  },
  '/deliver': (body, done) => {
    const session = newest();
    const statuses = body.map(() => null);
    let left = body.length;
    const finish = () => { clearTimeout(timer); session.removeListener('close', finish); done(statuses); };
    const timer = setTimeout(finish, 8000);
    session.once('close', finish);
    body.forEach((fields, at) => session.deliver_sm(octets(fields), (r) => {
      statuses[at] = r.command_status;
      left -= 1;
      if (left === 0) finish();
    }));
  },
};

http.createServer((request, response) => {
  let sent = '';
  request.on('data', (part) => { sent += part; });
  request.on('end', () => {
    paths[request.url](sent ? JSON.parse(sent) : {}, (result) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(result));
    });
  });
}).listen(Number(control), '127.0.0.1', () => server.listen(Number(port), '127.0.0.1'));
