import mongoose, { Schema, type Connection, type Model } from 'mongoose';

const PRIORITIES = ['low', 'medium', 'high', 'urgent'];

export interface TaskRow {
  owner: mongoose.Types.ObjectId;
  place: string;
  title: string;
  description: string;
  status: string;
  priority: number;
  dated: boolean;
  dueAt: Date | null;
  tags: string[];
  completedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
  version: number;
}

export interface UserRow {
  email: string;
  name: string;
  role: string;
  status: string;
  emailVerified: boolean;
  passwordHash: string;
  timeZone: string;
  locale: string;
  createdAt: Date;
  updatedAt: Date;
}

const taskSchema = new Schema<TaskRow>(
  {
    owner: Schema.Types.ObjectId,
    place: String,
    title: { type: String, required: true },
    description: String,
    status: String,
    priority: Number,
    dated: Boolean,
    dueAt: Date,
    tags: [String],
    completedAt: Date,
    createdAt: Date,
    updatedAt: Date,
    deletedAt: Date,
    version: Number,
  },
  { collection: 'tasks', versionKey: false },
);
taskSchema.set('toJSON', {
  transform: (_document, row) => ({
    id: row._id.toHexString(),
    title: row.title,
    description: row.description,
    status: row.status,
    priority: PRIORITIES[row.priority],
    dueAt: row.dated ? row.dueAt : null,
    tags: row.tags,
    completedAt: row.completedAt,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    deletedAt: row.deletedAt,
    version: row.version,
  }),
});

const userSchema = new Schema<UserRow>(
  {
    email: String,
    name: String,
    role: String,
    status: String,
    emailVerified: Boolean,
    passwordHash: String,
    timeZone: String,
    locale: String,
    createdAt: Date,
    updatedAt: Date,
  },
  { collection: 'users', versionKey: false },
);
userSchema.set('toJSON', {
  transform: (_document, row) => ({
    id: row._id.toHexString(),
    email: row.email,
    name: row.name,
    role: row.role,
    status: row.status,
    emailVerified: row.emailVerified,
    timeZone: row.timeZone,
    locale: row.locale,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }),
});

export const taskModel = (connection: Connection): Model<TaskRow> => connection.model('Task', taskSchema);
export const userModel = (connection: Connection): Model<UserRow> => connection.model('User', userSchema);
export { taskSchema, userSchema };
