import type { Model } from 'mongoose';

/** What Mongoose adds to its commands, for one that goes by the driver: the server gives up with the client. */
export const timeLimit = <T>({ db }: Model<T>): { maxTimeMS?: number } => ({
  maxTimeMS: db.get('maxTimeMS') as number | undefined,
});

/** The same for a read, which is also from the server that the schema names. */
export const readOptions = <T>(model: Model<T>): { maxTimeMS?: number; readPreference?: 'primary' } => ({
  ...timeLimit(model),
  readPreference: model.schema.get('read') as 'primary' | undefined,
});
