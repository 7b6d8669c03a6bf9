// What a user of the types relies on, said to the compiler: a line that must not compile says so.
import type { ClientMessage, Item, ItemDelta, KnownItem, OpenItem, ServerMessage, TurnStart } from "./models.js";
import { isKnownContentPart, isKnownItem, openItemType } from "./models.js";

/** A tagged union stays tagged: each branch has its own members, and the last one is never reached. */
export function told(message: ServerMessage): string {
  switch (message.type) {
    case "welcome":
      return message.capabilities.retention.join();
    case "turn.accepted":
    case "turn.progress":
    case "item.started":
    case "turn.steered":
    case "item.completed":
    case "turn.snapshot":
      return message.turn;
    case "item.delta":
      return message.append ?? JSON.stringify(message.put);
    case "turn.completed":
      return message.status satisfies "completed" | "incomplete" | "cancelled";
    case "turn.failed":
      return message.error.code;
    case "continuation.info":
    case "continuation.bundle":
    case "continuation.deleted":
      return message.ref;
    case "continuation.evicted":
      return message.id;
    case "connection.draining":
      return message.close_in_ms.toFixed();
    case "limits.updated":
      return message.limits[0]?.name ?? "";
    case "error":
      return message.turn ?? message.error.message;
    default:
      return message satisfies never;
  }
}

/** An open item is a branch of its own; a known one is tagged; both keep members that nobody knows. */
export function seen(item: Item): unknown {
  if (!isKnownItem(item)) return (item satisfies OpenItem)["x"];
  switch (item.type) {
    case "message":
      return typeof item.content === "string" ? item.content : item.content.filter(isKnownContentPart);
    case "function_call":
      return item.arguments.length + (item.namespace ?? "").length;
    case "reasoning":
      return item["phase"];
    default:
      return item.type satisfies Exclude<KnownItem["type"], "message" | "function_call" | "reasoning">;
  }
}

export const vendors: Item = { type: openItemType("vendor:x"), n: [1, null] };
export const cancel: ClientMessage = { type: "turn.cancel", turn: "t_1" };
export const append: ItemDelta = { type: "item.delta", turn: "t_1", index: 0, at: "/content/0/text", append: "Hi" };

// @ts-expect-error: a known type that is malformed is no open item
export const malformed: Item = { type: "message", role: "user", content: 1 };
// @ts-expect-error: an open type is never made by chance
export const chance: Item = { type: "vendor:x" };
// @ts-expect-error: a mistyped member of a message
export const mistyped: TurnStart = { type: "turn.start", turn: "t_1", input: [], lanes: "main" };
// @ts-expect-error: absent is not undefined
export const absent: TurnStart = { type: "turn.start", turn: "t_1", input: [], lane: undefined };
// @ts-expect-error: nor null
export const nothing: TurnStart = { type: "turn.start", turn: "t_1", input: [], lane: null };
// @ts-expect-error: a delta appends or puts
export const both: ItemDelta = { ...append, put: 1 };
// @ts-expect-error: a steer holds an item at least
export const empty: ClientMessage = { type: "turn.steer", turn: "t_1", steer: "s_1", input: [] };
