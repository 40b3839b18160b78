package io.sluice.bridge;

import io.sluice.limiter.Ask;
import io.sluice.limiter.Connection;
import io.sluice.limiter.Destination;
import io.sluice.limiter.LimiterTable;
import io.sluice.limiter.Limits;
import io.sluice.limiter.Reporter;
import io.sluice.limiter.Wait;
import io.sluice.limiter.WaitListener;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Installs a gate and keeps what it is told. */
final class Recorder implements WaitListener, Reporter {
    final List<Wait> waits = Collections.synchronizedList(new ArrayList<>());
    final List<String> warnings = Collections.synchronizedList(new ArrayList<>());
    final List<Throwable> faults = Collections.synchronizedList(new ArrayList<>());
    private LimiterTable table;

    LimiterTable install(Limits limits) {
        table = ConnectionGate.install(limits, this, this);
        return table;
    }

    LimiterTable table() {
        return table;
    }

    Connection elsewhere() {
        Destination server = Destination.server("http", "elsewhere.example.com", 80);
        return table.open(table.ask(Ask.direct("test", server)), false);
    }

    @Override
    public Object captureContext() {
        return null;
    }

    @Override
    public void ended(Wait wait) {
        waits.add(wait);
    }

    @Override
    public void warn(String message) {
        warnings.add(message);
    }

    @Override
    public void fault(Throwable fault) {
        faults.add(fault);
    }
}
