/* global db, sh, print -- of mongosh */
/**
 * Shards the tasks by their owner, so that each request about tasks is answered by one shard. On a mongos, as a user
 * with the role clusterManager beside readWrite on the database:
 *
 *   mongosh "$MONGODB_URI" --file deploy/mongo/shard.js
 *
 * It can be run again: what is as it should be stays as it is. README.md says why this key, and why only the tasks.
 */
const collection = 'tasks';
// Hashed: ids grow with time, so by their order all new users would lie on one shard.
const key = { owner: 'hashed' };

const namespace = `${db.getName()}.${collection}`;
if (db.hello().msg !== 'isdbgrid') throw new Error('This is not a mongos: there is nothing to shard.');

const known = db
  .getSiblingDB('config')
  .getCollection('collections')
  .findOne({ _id: namespace, dropped: { $ne: true } });
if (known?.key && JSON.stringify(known.key) !== JSON.stringify(key)) {
  const found = JSON.stringify(known.key);
  throw new Error(`${namespace} is sharded by ${found}. See reshardCollection in the manual of MongoDB.`);
}
if (known?.key) {
  print(`${namespace} is sharded by ${JSON.stringify(key)} already.`);
} else {
  sh.enableSharding(db.getName());
  // A collection that is not empty must have the index of its key before; the build leaves reads and writes alone.
  db.getCollection(collection).createIndex(key);
  sh.shardCollection(namespace, key);
  print(`${namespace} is now sharded by ${JSON.stringify(key)}; the balancer moves the data meanwhile.`);
}
