// @ts-check
// What people write on their lists: the tasks that `npm run seed` makes up.

/** @typedef {import('@faker-js/faker').Faker} Faker */
/** @typedef {{ make: (f: Faker) => string, tags: readonly string[], details: readonly string[] }} Topic */

const DAY_MS = 24 * 60 * 60 * 1000;
const OLDEST_DAYS = 120;

/** @type {readonly Topic[]} */
const TOPICS = [
  {
    make: (f) => `${verb(f, 'Write', 'Review', 'Finish', 'Proofread')} the ${report(f)}`,
    tags: ['work', 'writing'],
    details: ['Numbers are in the shared folder.', 'Two pages are enough.', 'Last quarter’s version is a good start.'],
  },
  {
    make: (f) => `${verb(f, 'Call', 'Write to', 'Meet', 'Answer')} ${f.person.fullName()} about ${matter(f)}`,
    tags: ['work', 'people'],
    details: ['Before the meeting, if possible.', 'They prefer the morning.', 'Mention the new dates.'],
  },
  {
    make: (f) => `${verb(f, 'Fix', 'Investigate', 'Reproduce')} ${bug(f)}`,
    tags: ['work', 'bug'],
    details: ['Happens about once a day.', 'A test that fails is in the branch.', 'Two customers have reported it.'],
  },
  {
    make: (f) => `${verb(f, 'Send', 'Check', 'Approve', 'Pay')} the invoice of ${f.company.name()}`,
    tags: ['work', 'finance'],
    details: ['Compare it with the order first.', 'Due within 30 days.', 'The cost centre changed this year.'],
  },
  {
    make: (f) =>
      `Prepare the ${f.helpers.arrayElement(['workshop', 'demo', 'review', 'interview', 'kick-off'])} with ${f.company.name()}`,
    tags: ['work', 'meeting'],
    details: [
      'Agenda, room, invitations.',
      'One hour, with time for questions.',
      'Slides from the last one can be reused.',
    ],
  },
  {
    make: (f) => `Buy ${f.helpers.arrayElements(GROCERIES, { min: 2, max: 4 }).join(', ')}`,
    tags: ['home', 'shopping'],
    details: ['Bring a bag.', 'The small shop closes at six.'],
  },
  {
    make: (f) => `${verb(f, 'Clean', 'Repair', 'Paint', 'Tidy up')} the ${f.helpers.arrayElement(PLACES)}`,
    tags: ['home'],
    details: ['Tools are in the cellar.', 'Half a day should do.', 'Ask the neighbours for the ladder.'],
  },
  {
    make: (f) =>
      `Book ${f.helpers.arrayElement(['a table', 'the train', 'a hotel', 'flights'])} for ${f.location.city()}`,
    tags: ['home', 'travel'],
    details: ['Cheaper before the end of the month.', 'Window seat.', 'Two nights.'],
  },
  {
    make: (f) => `${f.helpers.arrayElement(['Birthday present', 'Card', 'Flowers'])} for ${f.person.firstName()}`,
    tags: ['home', 'family'],
    details: ['Something for the garden, perhaps.', 'Everybody chips in.'],
  },
  {
    make: (f) =>
      `Make an appointment with the ${f.helpers.arrayElement(['dentist', 'doctor', 'optician', 'hairdresser', 'vet'])}`,
    tags: ['home', 'health'],
    details: ['Afternoons only.', 'Take the papers along.'],
  },
];

const GROCERIES = [
  'milk',
  'bread',
  'coffee',
  'apples',
  'rice',
  'tomatoes',
  'cheese',
  'soap',
  'light bulbs',
  'olive oil',
];
const PLACES = ['kitchen', 'balcony', 'bathroom tap', 'garage', 'garden fence', 'bicycle', 'cupboard', 'windows'];

/** @param {Faker} f @param {string[]} verbs */
const verb = (f, ...verbs) => f.helpers.arrayElement(verbs);
/** @param {Faker} f */
const report = (f) =>
  `${f.helpers.arrayElement(['quarterly', 'annual', 'travel', 'security', 'sales', 'project'])} ${f.helpers.arrayElement(['report', 'summary', 'plan', 'budget'])}`;
/** @param {Faker} f */
const matter = (f) =>
  f.helpers.arrayElement(['the contract', 'the new prices', 'the delivery', 'their feedback', 'the open position']);
/** @param {Faker} f */
const bug = (f) =>
  f.helpers.arrayElement([
    'the slow search',
    'the login page on small screens',
    'the export that stops half-way',
    `error ${f.number.int({ min: 400, max: 599 })} after a deployment`,
    'the e-mail that is sent twice',
  ]);

/**
 * A task with a past: what is old is mostly done, what is open is due around now.
 * @param {Faker} f
 * @param {Date} now
 */
export function madeUpTask(f, now) {
  const topic = f.helpers.arrayElement(TOPICS);
  // Squared: there is more of the last weeks than of last season.
  const ageMs = OLDEST_DAYS * DAY_MS * f.number.float({ min: 0.001, max: 1 }) ** 2;
  const createdAt = new Date(now.getTime() - ageMs);
  const status = statusAt(f, ageMs / (OLDEST_DAYS * DAY_MS));
  const completedAt =
    status === 'done' ? new Date(createdAt.getTime() + ageMs * f.number.float({ min: 0.02, max: 0.95 })) : undefined;
  return {
    title: topic.make(f).slice(0, 200),
    description: f.datatype.boolean(0.6) ? f.helpers.arrayElements(topic.details, { min: 1, max: 2 }).join(' ') : '',
    status,
    priority: f.helpers.weightedArrayElement(PRIORITIES),
    dueAt: f.datatype.boolean(0.7) ? dueAround(f, completedAt ?? now, createdAt) : null,
    tags: topic.tags.slice(0, f.number.int({ min: 0, max: topic.tags.length })),
    createdAt,
    ...(completedAt ? { completedAt } : {}),
  };
}

/** @type {{ value: 'low' | 'medium' | 'high' | 'urgent', weight: number }[]} */
const PRIORITIES = [
  { value: 'medium', weight: 50 },
  { value: 'low', weight: 25 },
  { value: 'high', weight: 18 },
  { value: 'urgent', weight: 7 },
];

/**
 * @param {Faker} f
 * @param {number} age from 0 (now) to 1
 * @returns {'todo' | 'in_progress' | 'done' | 'cancelled'}
 */
function statusAt(f, age) {
  if (f.datatype.boolean(0.25 + 0.6 * Math.sqrt(age))) return f.datatype.boolean(0.9) ? 'done' : 'cancelled';
  return f.datatype.boolean(0.3) ? 'in_progress' : 'todo';
}

/**
 * On a full hour of the day, from a week before the instant to three weeks after it, and after the creation.
 * @param {Faker} f
 * @param {Date} instant
 * @param {Date} createdAt
 */
function dueAround(f, instant, createdAt) {
  const around = instant.getTime() + f.number.int({ min: -7, max: 21 }) * DAY_MS;
  const due = new Date(Math.max(around, createdAt.getTime() + DAY_MS));
  due.setUTCHours(f.number.int({ min: 7, max: 18 }), 0, 0, 0);
  return due.toISOString();
}
