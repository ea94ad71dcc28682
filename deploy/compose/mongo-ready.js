// mongosh, as the health check of docker-compose.yml: makes what is missing at the first start, and ends with 0 when
// this member takes writes. Every step can be repeated, so a start that was interrupted goes on here.
/* global db, rs, sleep, quit, require */
const { readFileSync } = require('fs');
const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();

const WAITS_MS = 200;
const NOT_YET_INITIALIZED = 94;

db.getSiblingDB('admin').auth('root', secret('mongo_root_password'));
try {
  rs.status();
} catch (error) {
  if (error.code !== NOT_YET_INITIALIZED) throw error;
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongo:27017' }] });
}
for (let waits = 0; waits < 25 && !db.hello().isWritablePrimary; waits++) sleep(WAITS_MS);
if (!db.hello().isWritablePrimary) quit(1);

// May do nothing but use the one database.
const taskflow = db.getSiblingDB('taskflow');
if (!taskflow.getUser('taskflow')) {
  const roles = [{ role: 'readWrite', db: 'taskflow' }];
  taskflow.createUser({ user: 'taskflow', pwd: secret('mongo_password'), roles });
}
quit(0);
