// A forge's GraphQL schema as a judge of queries, of their variables, and of the data they are answered with.
import { buildSchema, execute, getVariableValues, isAbstractType, Kind, parse, validate } from "graphql";

export class GraphqlSchema {
  /// `text` is the schema in GraphQL's own language.
  constructor(text) {
    this.schema = buildSchema(text, { assumeValid: true });
  }

  judgeRequest({ query, variables }) {
    let document;
    try {
      document = parse(query);
    } catch (error) {
      return [`the query cannot be read: ${error.message}`];
    }
    const faults = validate(this.schema, document).map((error) => error.message);
    const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    if (faults.length || !operation) return faults;
    const { errors = [] } = getVariableValues(this.schema, operation.variableDefinitions ?? [], variables ?? {});
    return errors.map((error) => error.message);
  }

  /// Runs the query once more with the answer as the data: what the schema would not let out, and what
  /// the query did not ask for, is a fault. `errors` beside the data are a forge's way to say no.
  judgeAnswer({ query, variables }, answer) {
    if (answer?.data === undefined || answer.data === null) {
      return Array.isArray(answer?.errors) ? [] : ["the answer has neither data nor errors"];
    }
    const again = execute({
      schema: this.schema,
      document: parse(query),
      variableValues: variables,
      rootValue: answer.data,
      fieldResolver: (source, _args, _context, info) => source[info.path.key],
      typeResolver: (value, _context, _info, type) => value.__typename ?? (isAbstractType(type) ? this.schema.getPossibleTypes(type)[0].name : undefined),
    });
    const faults = (again.errors ?? []).map((error) => error.message);
    const same = JSON.stringify(sorted(again.data)) === JSON.stringify(sorted(answer.data));
    return faults.length || same ? faults : ["the data differ from what was asked for"];
  }
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}
