// Starts the fake forges (crates/sandbox/examples/sandbox.rs) for one client, and says where they are.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/// Runs `act` with the company on one forge; exchanges go to the file `record`.
export async function withCompany(forge, record, act) {
  const child = spawn(process.env.SANDBOX, ["--record", record], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    await act(JSON.parse(value)[forge]);
  } finally {
    child.stdin.end();
    await ended;
  }
}
