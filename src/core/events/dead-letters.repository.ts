import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { DEAD_LETTER_MODEL, type DeadLetterDocument } from './dead-letter.schema.js';
import type { DeadLetter, DeadLetterPosition } from './dead-letters.js';

@Injectable()
export class DeadLettersRepository {
  constructor(@InjectModel(DEAD_LETTER_MODEL) private readonly model: Model<DeadLetterDocument>) {}

  async put({ id, ...letter }: DeadLetter): Promise<void> {
    await this.model.updateOne({ _id: id }, { $set: letter }, { upsert: true });
  }

  async find(id: string): Promise<DeadLetter | undefined> {
    const found = await this.model.findById(id).lean();
    return found ? toLetter(found) : undefined;
  }

  async list(limit: number, after?: DeadLetterPosition): Promise<DeadLetter[]> {
    // The first condition bounds the walk over the index, which an `$or` alone does not.
    const filter = after
      ? { at: { $lte: after.at }, $or: [{ at: { $lt: after.at } }, { at: after.at, _id: { $lt: after.id } }] }
      : {};
    const found = await this.model.find(filter).sort({ at: -1, _id: -1 }).limit(limit).lean();
    return found.map(toLetter);
  }

  count(): Promise<number> {
    return this.model.estimatedDocumentCount();
  }

  async purge(owner: string): Promise<void> {
    await this.model.deleteMany({ owner });
  }

  /** @returns whether it was there */
  async remove(id: string): Promise<boolean> {
    return (await this.model.deleteOne({ _id: id })).deletedCount > 0;
  }
}

const toLetter = ({ _id, ...letter }: DeadLetterDocument): DeadLetter => ({ id: _id, ...letter });
