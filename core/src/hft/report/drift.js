"use strict";
draw((Panel) => {
  const BOTH = [{ name: "session", color: "blue" }, { name: "backtest", color: "orange" }];
  const price = new Panel("", 320), inventory = new Panel("", 170);
  const equity = new Panel("", 220), apart = new Panel("", 220);
  const over = (values, more) => BOTH.map((each, number) => ({ ...each, ...more, values: values[number], step: true, zero: true }));

  function showInstrument(each) {
    const drawn = each.fills.map((fills, number) =>
      fills.length < each.fillCounts[number] ? `, ${fills.length} of ${each.fillCounts[number]} fills of the ${BOTH[number].name}` : "");
    price.name(`Price and fills, ${each.currency}${drawn.join("")}`);
    const marks = each.fills.flatMap((fills, number) => fills.map((fill) => [...fill, BOTH[number]]));
    marks.sort((one, other) => one[0] - other[0]);
    price.show([
      { name: "middle of the book", color: "grey", values: each.mid, step: true },
      // No lines of their own: they say whose triangles are whose.
      ...BOTH.map((whose) => ({ ...whose, name: `fills of the ${whose.name}`, values: each.mid.map(() => null) })),
    ], marks);
    inventory.name(`Change of the position, ${each.unit}`);
    inventory.show(over(each.positions, {}));
  }

  function showCurrency(each) {
    equity.name(`Profit after fees and funding, ${each.name}`);
    equity.show(over(each.nets, { thick: true }));
    apart.name(`How much more the session has, ${each.name}`);
    apart.show([
      { name: "spread captured", color: "green", values: each.spread, zero: true },
      { name: "inventory", color: "purple", values: each.inventory },
      { name: "fees", color: "orange", values: each.fees },
      { name: "funding", color: "grey", values: each.funding },
      { name: "net", color: "blue", values: each.nets[0].map((value, index) => value - each.nets[1][index]), thick: true },
    ]);
  }

  return [showInstrument, showCurrency];
});
