"use strict";
draw((Panel) => {
  const drawdown = (values) => {
    let peak = 0;
    return values.map((value) => {
      peak = Math.max(peak, value);
      return value - peak;
    });
  };
  const price = new Panel("", 300), inventory = new Panel("", 150);
  const equity = new Panel("", 200), fall = new Panel("", 120), parts = new Panel("", 220), latency = new Panel("", 130);

  function showInstrument(each) {
    const drawn = each.fills.length < each.fillCount ? `, ${each.fills.length} of ${each.fillCount} fills` : "";
    price.name(`Price and fills, ${each.currency}${drawn}`);
    price.show([{ name: "middle of the book", color: "blue", values: each.mid, step: true }], each.fills);
    inventory.name(`Inventory, ${each.unit}`);
    inventory.show([{ name: "position", color: "purple", values: each.position, step: true, zero: true }]);
    latency.name("Latency of the feed, ms");
    latency.show([{ name: "age of the book", color: "grey", values: each.latency, zero: true }]);
  }

  function showCurrency(each) {
    equity.name(`Equity, ${each.name}`);
    equity.show([{ name: "profit after fees and funding", color: "blue", values: each.net, thick: true, zero: true, step: true }]);
    fall.name(`Drawdown, ${each.name}`);
    fall.show([{ name: "below the peak", color: "red", values: drawdown(each.net), area: true }]);
    parts.name(`Where it comes from, ${each.name}`);
    parts.show([
      { name: "spread captured", color: "green", values: each.spread, zero: true },
      { name: "inventory", color: "purple", values: each.inventory },
      { name: "fees", color: "orange", values: each.fees },
      { name: "funding", color: "grey", values: each.funding },
      { name: "net", color: "blue", values: each.net, thick: true },
    ]);
  }

  return [showInstrument, showCurrency];
});
