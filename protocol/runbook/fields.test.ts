import { describe, expect, test } from "vitest";
import { blockTargetSchema, lockSchema, retrySchema, targetSchema } from "../blocks/common.ts";
import { blockSchema } from "../blocks/index.ts";
import { BLOCK_KINDS, fieldsOf } from "./fields.ts";
import type { Field } from "./fieldTypes.ts";
import {
  BLOCK_TARGET_FIELDS,
  LOCK_FIELDS,
  PARAMETER_TYPES,
  parameterFields,
  RETRY_FIELDS,
  TARGET_FIELDS,
} from "./groups.ts";
import { parameterSchema } from "./parameters.ts";

function keysOf(fields: readonly Field[]): string[] {
  return fields.map(({ key }) => key).toSorted();
}

describe("the table has exactly the fields of the schemas", () => {
  test("in the kinds of blocks", () => {
    expect(blockSchema.options.map((option) => option.shape.kind.value)).toEqual(BLOCK_KINDS);
    for (const { shape } of blockSchema.options) {
      const { kind, ...others } = shape;
      expect(keysOf(fieldsOf(kind.value)), kind.value).toEqual(Object.keys(others).toSorted());
    }
  });

  test("in what has fields of its own", () => {
    for (const [fields, { shape }] of [
      [TARGET_FIELDS, targetSchema],
      [BLOCK_TARGET_FIELDS, blockTargetSchema],
      [RETRY_FIELDS, retrySchema],
      [LOCK_FIELDS, lockSchema],
    ] as const) {
      expect(keysOf(fields)).toEqual(Object.keys(shape).toSorted());
    }
    for (const { shape } of parameterSchema.options) {
      expect(keysOf(parameterFields({ type: shape.type.value }))).toEqual(Object.keys(shape).toSorted());
    }
    expect(PARAMETER_TYPES).toEqual(parameterSchema.options.map(({ shape }) => shape.type.value));
  });

  test("what may be left out there is what the schema lets be left out, or has a value of its own", () => {
    for (const { shape } of blockSchema.options) {
      for (const field of fieldsOf(shape.kind.value)) {
        const schema = Object.entries(shape).find(([key]) => key === field.key)?.[1];
        const isDemanded = schema?.safeParse(undefined).success === false;
        const isHandled = field.isRequired || field.otherwise !== undefined || field.key === "id";
        expect([field.word, isDemanded]).toEqual([field.word, Boolean(isHandled)]);
      }
    }
  });
});
