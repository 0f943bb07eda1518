// GitLab's GraphQL schemas as judges: the whole one of 16.3, and the part of 19.4 that Usher asks for. A text
// has to be good for both, but for what is known to be newer; and then Usher has to have another text for
// servers without it.
import { GraphqlSchema } from "./graphql.mjs";

/// What 16.3 does not have, and how Usher is told so.
const NEWER = [{ field: "allowsMultipleReviewers", fault: /^Cannot query field "allowsMultipleReviewers" on type "MergeRequest"/ }];

export class GitLabGraphql {
  constructor(old, now) {
    Object.assign(this, { old: new GraphqlSchema(old), now: new GraphqlSchema(now), asked: new Set(), without: new Set() });
  }

  judgeRequest(request) {
    const now = this.now.judgeRequest(request).map((fault) => `${fault} (19.4)`);
    const before = this.old.judgeRequest(request);
    const isNewer = (fault) => NEWER.some((one) => one.fault.test(fault));
    if (before.some(isNewer)) this.asked.add(request.query);
    else this.without.add(request.query);
    return [...now, ...before.filter((fault) => !isNewer(fault)).map((fault) => `${fault} (16.3)`)];
  }

  judgeAnswer(request, answer) {
    return this.now.judgeAnswer(request, answer);
  }

  /// Texts with something newer that are no good without it, or that were never asked without it.
  close() {
    const bare = (query) => NEWER.reduce((text, { field }) => text.replace(new RegExp(`\\s*\\b${field}\\b`), ""), query);
    const texts = [...this.asked].map(bare);
    const faults = texts.flatMap((query) => this.old.judgeRequest({ query }).filter((fault) => !fault.includes("was not provided")));
    const isAsked = texts.length === 0 || texts.some((query) => this.without.has(query));
    return isAsked ? faults : [...faults, "no text was ever asked without what 16.3 lacks"];
  }
}
