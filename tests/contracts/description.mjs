// A forge's own OpenAPI description as a judge of exchanges: which operation a request is, whether its
// parameters and body are documented, whether the answer is one that the forge gives.
//
// Two things are stricter than OpenAPI: a query parameter, a member of a request's body or a member of an
// answer that the description does not know is a fault, because a misspelt optional member would else
// pass unseen.
import Ajv from "ajv";
import addFormats from "ajv-formats";

const METHODS = ["get", "put", "post", "patch", "delete", "head"];
/// What any operation may answer, whether it says so or not.
const EVERYWHERE = [401, 403, 404, 429];
const REFUSAL = { $ref: "#/components/schemas/basic-error" };

/// OpenAPI 3.0 says `nullable: true` where JSON schema says `type: [.., "null"]`; done in place.
function translate(schema) {
  if (Array.isArray(schema)) return schema.map(translate);
  if (schema === null || typeof schema !== "object") return schema;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, translate(value)]));
  if (nullable !== true) return rest;
  if (rest.enum && !rest.enum.includes(null)) rest.enum = [...rest.enum, null];
  if (typeof rest.type === "string") return { ...rest, type: [rest.type, "null"] };
  return { anyOf: [rest, { type: "null" }] };
}

export class Description {
  /// `name` is the forge's, `document` its description, which is translated in place.
  constructor(name, document) {
    Object.assign(this, { name, document });
    this.document.components.schemas = Object.fromEntries(
      Object.entries(this.document.components.schemas).map(([name, schema]) => [name, translate(schema)]),
    );
    this.ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, validateFormats: true });
    addFormats(this.ajv);
    this.ajv.addSchema({ $id: "forge", components: { schemas: this.document.components.schemas } });
    this.compiled = new Map();
    this.templates = Object.keys(this.document.paths).map((path) => ({ path, parts: path.split("/") }));
  }

  /// `#/components/…` followed to its end.
  resolve(node) {
    while (node?.$ref) {
      const keys = node.$ref.split("#")[1].slice(1).split("/");
      node = keys.reduce((at, key) => at[key.replaceAll("~1", "/")], this.document);
    }
    return node;
  }

  /// The documented path with the fewest placeholders that this one fits.
  template(path) {
    const parts = path.split("/");
    // `{path}` at the end is the path of a file, slashes and all; OpenAPI 3.0 cannot say so.
    const long = (wanted) => (wanted.at(-1) === "{path}" ? parts.length >= wanted.length : parts.length === wanted.length);
    const fits = ({ parts: wanted }) =>
      long(wanted) && wanted.every((part, at) => (part.startsWith("{") ? parts[at] !== "" : part === parts[at]));
    const blanks = ({ parts: wanted }) => wanted.filter((part) => part.startsWith("{")).length;
    return this.templates.filter(fits).sort((one, other) => blanks(one) - blanks(other))[0]?.path;
  }

  /// The operation a request is, or a sentence about why it is none.
  operation(method, path) {
    const template = this.template(path);
    if (!template) return { fault: `${this.name} documents no path like ${path}` };
    const operation = this.document.paths[template][method.toLowerCase()];
    if (operation) return { template, operation };
    const known = METHODS.filter((verb) => this.document.paths[template][verb]).map((verb) => verb.toUpperCase());
    return { fault: `${this.name} documents ${known.join(", ")} for ${template}, and not ${method}` };
  }

  /// What is wrong with the query and the body of a request.
  judgeRequest({ template, operation }, query, body) {
    const faults = [];
    const parameters = [...(this.document.paths[template].parameters ?? []), ...(operation.parameters ?? [])]
      .map((parameter) => this.resolve(parameter))
      .filter((parameter) => parameter.in === "query");
    for (const [name, text] of query) {
      const parameter = parameters.find((one) => one.name === name);
      if (!parameter) faults.push(`the query parameter \`${name}\` is not documented`);
      else faults.push(...this.judge(parameter.schema ?? {}, fromText(text, this.resolve(parameter.schema ?? {})), `?${name}`));
    }
    const required = parameters.filter((one) => one.required && !query.some(([name]) => name === one.name));
    faults.push(...required.map((one) => `the query parameter \`${one.name}\` is missing`));
    const wanted = this.resolve(operation.requestBody);
    const schema = wanted?.content?.["application/json"]?.schema;
    if (body === undefined) {
      // A body is never called optional; where no member is required, none may be sent.
      if (wanted?.required && this.resolve(schema)?.required) faults.push("the body is missing");
    } else if (!schema) faults.push("a body is sent where none is documented");
    else faults.push(...this.judge(schema, body, "body"));
    return faults;
  }

  /// What is wrong with an answer.
  judgeAnswer({ operation }, status, answer) {
    const response = this.resolve(operation.responses[status]);
    if (!response) {
      if (EVERYWHERE.includes(status)) return this.judge(REFUSAL, answer, "answer", false);
      return [`the status ${status} is not documented, only ${Object.keys(operation.responses).join(", ")}`];
    }
    const schema = response.content?.["application/json"]?.schema;
    // Some 422 are documented in words alone; a body of the usual form is no fault then.
    if (!schema) return answer === null || status >= 400 ? [] : ["a body is answered where none is documented"];
    // Refusals carry more or less beside their message.
    return this.judge(schema, answer, "answer", status < 400);
  }

  /// What is wrong with the body of a webhook.
  judgeWebhook(event, payload) {
    const name = [event, payload.action].filter(Boolean).join("-").replaceAll("_", "-");
    const body = this.resolve(this.document["x-webhooks"][name]?.post.requestBody);
    return body ? this.judge(body.content["application/json"].schema, payload, "payload") : ["GitHub documents no such webhook"];
  }

  /// What is wrong with a value; `strict` also where it has members that the schema does not know.
  judge(schema, value, at, strict = true) {
    if (!this.compiled.has(schema)) {
      const local = translate(schema);
      const rooted = JSON.parse(JSON.stringify(local).replaceAll('"#/components', '"forge#/components'));
      this.compiled.set(schema, { local, validate: this.ajv.compile(rooted) });
    }
    const { local, validate } = this.compiled.get(schema);
    const faults = validate(value) ? [] : validate.errors.map((error) => `${at}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
    return strict ? [...faults, ...this.unknown([local], value, at)] : faults;
  }

  /// Members of `value` that none of the alternatives in `schemas` knows.
  unknown(schemas, value, at) {
    if (value === null || typeof value !== "object") return [];
    const all = this.alternatives(schemas);
    if (Array.isArray(value)) {
      const items = all.flatMap((schema) => schema.items ?? []);
      return items.length ? value.flatMap((item, index) => this.unknown(items, item, `${at}/${index}`)) : [];
    }
    const known = all.filter((schema) => schema.properties);
    const open = all.some((schema) => (schema.additionalProperties ?? false) !== false);
    // Free-form objects, such as `custom_properties`.
    if (!known.length || open) return [];
    return Object.entries(value).flatMap(([name, member]) => {
      const deeper = known.flatMap((schema) => (Object.hasOwn(schema.properties, name) ? [schema.properties[name]] : []));
      return deeper.length ? this.unknown(deeper, member, `${at}/${name}`) : [`${at}/${name} is not documented`];
    });
  }

  /// Every schema that `anyOf`, `oneOf`, `allOf` and `$ref` lead to.
  alternatives(schemas) {
    return schemas.flatMap((schema) => {
      const own = this.resolve(schema);
      const inner = [...(own.anyOf ?? []), ...(own.oneOf ?? []), ...(own.allOf ?? [])];
      return [own, ...this.alternatives(inner)];
    });
  }
}

/// A query parameter's text as the JSON value that its schema speaks of.
export function fromText(text, schema) {
  if (schema.type === "integer" || schema.type === "number") return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
  if (schema.type === "boolean") return { true: true, false: false }[text] ?? text;
  return text;
}
