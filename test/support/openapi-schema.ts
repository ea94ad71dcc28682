/** The parts of the OpenAPI 3.1 specification that our document uses, as JSON Schema; nothing else may appear in it. */
const text = { type: 'string', minLength: 1 };
const schema = { type: 'object', minProperties: 1 };
const mapOf = (item: object): object => ({ type: 'object', additionalProperties: item });
const closed = (required: string[], properties: Record<string, object>): object => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false,
});

const header = closed(['description', 'schema'], { description: text, schema });
const media = closed(['schema'], { schema, examples: mapOf({ type: 'object' }) });
const content = { ...mapOf(media), minProperties: 1 };

const parameter = closed(['name', 'in', 'required', 'schema'], {
  name: text,
  in: { enum: ['path', 'query', 'header'] },
  required: { type: 'boolean' },
  description: { type: 'string' },
  example: true as never,
  schema,
});

const response = closed(['description'], { description: text, headers: mapOf(header), content });

const operation = closed(['operationId', 'summary', 'tags', 'responses'], {
  operationId: { type: 'string', pattern: '^[a-z]\\w*\\.[a-z]\\w*$' },
  summary: text,
  description: text,
  tags: { type: 'array', items: text, minItems: 1 },
  parameters: { type: 'array', items: parameter },
  requestBody: closed(['required', 'content'], { required: { type: 'boolean' }, content }),
  responses: {
    type: 'object',
    minProperties: 1,
    propertyNames: { pattern: '^[1-5]\\d\\d$' },
    additionalProperties: response,
  },
  security: { type: 'array', minItems: 1, items: mapOf({ type: 'array' }) },
});

const pathItem = closed([], Object.fromEntries(['get', 'post', 'put', 'patch', 'delete'].map((m) => [m, operation])));

export const openApi31 = closed(['openapi', 'info', 'servers', 'tags', 'paths', 'components'], {
  openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
  info: closed(['title', 'version', 'description', 'license'], {
    title: text,
    version: text,
    description: text,
    license: closed(['name', 'url'], { name: text, url: text }),
    contact: { type: 'object', maxProperties: 0 },
  }),
  servers: { type: 'array', minItems: 1, items: closed(['url'], { url: text, description: text }) },
  tags: { type: 'array', items: closed(['name', 'description'], { name: text, description: text }) },
  paths: { type: 'object', propertyNames: { pattern: '^/' }, additionalProperties: pathItem },
  components: closed(['schemas', 'securitySchemes', 'examples'], {
    schemas: mapOf(schema),
    examples: mapOf(closed(['value'], { value: { type: 'object' } })),
    securitySchemes: mapOf(
      closed(['type', 'scheme'], {
        type: { const: 'http' },
        scheme: { const: 'bearer' },
        bearerFormat: text,
        description: text,
      }),
    ),
  }),
});
