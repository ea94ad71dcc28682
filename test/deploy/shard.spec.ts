import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { SCHEMAS } from '../../src/migrations/index-difference.js';

const SCRIPT = join(__dirname, '../../deploy/mongo/shard.js');

interface Cluster {
  readonly calls: string[];
  readonly printed: string[];
  /** The shard key by namespace, as `config.collections` has it. */
  readonly sharded: Map<string, object>;
  isRouter: boolean;
}

const aCluster = (): Cluster => ({ calls: [], printed: [], sharded: new Map(), isRouter: true });

/** Runs the script as mongosh would, on a stand-in for the cluster that keeps what is sharded. */
function run(cluster: Cluster): void {
  const { calls, printed, sharded } = cluster;
  const call = (name: string, ...args: unknown[]): void => void calls.push(`${name} ${JSON.stringify(args)}`);
  const find = ({ _id }: { _id: string }) => (sharded.has(_id) ? { _id, key: sharded.get(_id) } : null);
  runInNewContext(readFileSync(SCRIPT, 'utf8'), {
    print: (line: string) => printed.push(line),
    db: {
      getName: () => 'taskflow',
      hello: () => (cluster.isRouter ? { msg: 'isdbgrid' } : { setName: 'rs0' }),
      getCollection: (name: string) => ({ createIndex: (key: object) => call('createIndex', name, key) }),
      getSiblingDB: (name: string) => ({
        getCollection: (collection: string) => ({
          findOne: name === 'config' && collection === 'collections' ? find : () => null,
        }),
      }),
    },
    sh: {
      enableSharding: (name: string) => call('enableSharding', name),
      shardCollection: (namespace: string, key: object) => {
        call('shardCollection', namespace, key);
        sharded.set(namespace, key);
      },
    },
  });
}

describe('deploy/mongo/shard.js', () => {
  it('is a script that parses', () => {
    expect(spawnSync(process.execPath, ['--check', SCRIPT]).stderr.toString()).toBe('');
  });

  it('makes the index of the key first, then shards tasks by their owner', () => {
    const cluster = aCluster();
    run(cluster);
    expect(cluster.calls).toEqual([
      'enableSharding ["taskflow"]',
      'createIndex ["tasks",{"owner":"hashed"}]',
      'shardCollection ["taskflow.tasks",{"owner":"hashed"}]',
    ]);
    expect(cluster.printed).toEqual([expect.stringContaining('taskflow.tasks is now sharded')]);
  });

  it('changes nothing the second time', () => {
    const cluster = aCluster();
    run(cluster);
    cluster.calls.length = 0;
    run(cluster);
    expect(cluster.calls).toEqual([]);
    expect(cluster.printed.at(-1)).toContain('already');
  });

  it('refuses a collection that is sharded otherwise, and a server that is no router, and touches neither', () => {
    const otherwise = aCluster();
    otherwise.sharded.set('taskflow.tasks', { _id: 1 });
    expect(() => run(otherwise)).toThrow('taskflow.tasks is sharded by {"_id":1}');
    const alone = { ...aCluster(), isRouter: false };
    expect(() => run(alone)).toThrow('not a mongos');
    expect([...otherwise.calls, ...alone.calls]).toEqual([]);
  });

  it('shards no collection with a unique index that does not begin with the key, and none that does not exist', () => {
    const cluster = aCluster();
    run(cluster);
    for (const [namespace, key] of cluster.sharded) {
      const schema = SCHEMAS.find((one) => `taskflow.${one.get('collection')}` === namespace);
      const unique = schema!.indexes().filter(([, options]) => options.unique);
      expect(unique.length).toBeGreaterThan(0);
      const fields = Object.keys(key);
      for (const [index] of unique) expect(Object.keys(index).slice(0, fields.length)).toEqual(fields);
    }
  });
});
