import { aggregateContract } from './mongo.aggregate.contract.js';
import { deviationContract } from './mongo.deviation.contract.js';
import { Engine, type RunningServer } from './mongo.engine.js';
import { expressionContract } from './mongo.expression.contract.js';
import { indexContract } from './mongo.index.contract.js';
import { indexUseContract } from './mongo.index-use.contract.js';
import { modifyContract } from './mongo.modify.contract.js';
import { operatorContract } from './mongo.operator.contract.js';
import { orderContract } from './mongo.order.contract.js';
import { queryContract } from './mongo.query.contract.js';
import { raceContract } from './mongo.race.contract.js';
import { serverContract } from './mongo.server.contract.js';
import { textContract } from './mongo.text.contract.js';
import { updateContract } from './mongo.update.contract.js';
import { valueContract } from './mongo.value.contract.js';
import { writeContract } from './mongo.write.contract.js';

/** What TaskFlow relies on, of any server that calls itself MongoDB; expectations are MongoDB's documentation. */
export function mongoContract(start: () => Promise<RunningServer>): void {
  const engine = new Engine();
  beforeAll(() => engine.open(start));
  afterAll(() => engine.close());

  serverContract(engine);
  valueContract(engine);
  queryContract(engine);
  operatorContract(engine);
  orderContract(engine);
  writeContract(engine);
  modifyContract(engine);
  updateContract(engine);
  raceContract(engine);
  aggregateContract(engine);
  expressionContract(engine);
  indexContract(engine);
  indexUseContract(engine);
  textContract(engine);
  deviationContract(engine);
}
