// A web server and a web client on node's own modules.
// node web.js server DIRECTORY PORT TLSPORT KEY CERT | node web.js client URL FILE CERT
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const crypto = require('crypto');
const { pipeline } = require('stream');

function server(directory, port, tlsPort, key, cert) {
  const handler = (request, response) => {
    const file = path.join(directory, path.basename(request.url));
    if (request.method === 'PUT') {
      const hash = crypto.createHash('sha256');
      request.on('data', (chunk) => hash.update(chunk));
      pipeline(request, fs.createWriteStream(file), (error) => {
        response.writeHead(error ? 500 : 201);
        response.end(hash.digest('hex') + '\n');
      });
      return;
    }
    fs.stat(file, (error, stat) => {
      if (error) {
        response.writeHead(404);
        response.end();
        return;
      }
      response.writeHead(200, { 'Content-Length': stat.size });
      pipeline(fs.createReadStream(file), response, () => {});
    });
  };
  const servers = [http.createServer(handler), https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, handler)];
  servers[0].listen(port, '0.0.0.0');
  servers[1].listen(tlsPort, '0.0.0.0');
  process.on('SIGTERM', () => {
    for (const s of servers) {
      s.close();
      s.closeIdleConnections();
    }
  });
}

function ask(module, method, url, options, body) {
  return new Promise((resolve, reject) => {
    const request = module.request(url, { method, ...options }, (response) => {
      const hash = crypto.createHash('sha256');
      const parts = [];
      response.on('data', (chunk) => {
        hash.update(chunk);
        if (method === 'PUT') parts.push(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode, sum: hash.digest('hex'), text: Buffer.concat(parts).toString().trim(), port: request.socket ? request.socket.localPort : 0 }));
      response.on('error', reject);
    });
    request.on('error', reject);
    if (body) fs.createReadStream(body).pipe(request);
    else request.end();
  });
}

async function client(url, file, cert) {
  const module = url.startsWith('https') ? https : http;
  const agent = new module.Agent({ keepAlive: true, maxSockets: 4 });
  const options = { agent, ca: fs.readFileSync(cert) };
  const sum = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  const put = await ask(module, 'PUT', url + '/node.data', options, file);
  console.log('put', put.status === 201 && put.text === sum);
  const get = await ask(module, 'GET', url + '/node.data', options);
  console.log('get', get.status === 200 && get.sum === sum);
  const small = await Promise.all(Array.from({ length: 100 }, () => ask(module, 'GET', url + '/small.data', options)));
  console.log('small', small.filter((r) => r.status === 200 && r.sum === small[0].sum).length, small[0].sum);
  console.log('none', (await ask(module, 'GET', url + '/none', options)).status);
  agent.destroy();
  if (module === http) {
    const answer = await fetch(url + '/node.data');
    console.log('fetch', crypto.createHash('sha256').update(Buffer.from(await answer.arrayBuffer())).digest('hex') === sum);
    await fetch(url.replace(/:\d+/, ':4')).then(() => console.log('refused', false), (e) => console.log('refused', e.cause.code));
  }
}

if (process.argv[2] === 'server') server(...process.argv.slice(3));
else client(...process.argv.slice(3));
