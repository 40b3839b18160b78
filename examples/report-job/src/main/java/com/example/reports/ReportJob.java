package com.example.reports;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Fetches invoices from a partner's server with twelve workers, four on each HTTP client, and prints their total.
 *
 * <p>Arguments: the server's address, and how many invoices there are (40 if not given). Exit code 0 means that every
 * invoice is in the total, 1 that some could not be fetched.
 */
public class ReportJob {
    private static final int WORKERS_PER_CLIENT = 4;
    private static final int FIRST_INVOICE = 1001;

    private final ConcurrentLinkedQueue<Integer> todo = new ConcurrentLinkedQueue<>();

    /** Runs the job. */
    public static void main(String[] args) throws Exception {
        String server = args[0];
        int invoices = args.length > 1 ? Integer.parseInt(args[1]) : 40;
        System.exit(new ReportJob().run(server, invoices) ? 0 : 1);
    }

    private boolean run(String server, int invoices) throws Exception {
        for (int i = 0; i < invoices; i++) {
            todo.add(FIRST_INVOICE + i);
        }
        long start = System.nanoTime();
        ExecutorService threads = Executors.newCachedThreadPool();
        List<Worker> workers = new ArrayList<>();
        List<Future<?>> running = new ArrayList<>();
        for (InvoiceSource source : new InvoiceSource[] {
            new UrlConnectionSource(server), new ApacheSource(server), new JdkHttpSource(server)
        }) {
            for (int i = 1; i <= WORKERS_PER_CLIENT; i++) {
                Worker worker = new Worker(source, source.name() + "-" + i);
                workers.add(worker);
                running.add(threads.submit(worker));
            }
        }
        for (Future<?> each : running) {
            each.get();
        }
        threads.shutdown();
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);

        int fetched = 0;
        int failed = 0;
        BigDecimal total = BigDecimal.ZERO;
        for (Worker worker : workers) {
            fetched += worker.fetched;
            failed += worker.failed;
            total = total.add(worker.sum);
        }
        System.out.printf(Locale.ROOT, "invoices %d, errors %d, total %s, %d ms%n", fetched, failed, total, millis);
        return fetched == invoices;
    }

    private class Worker implements Runnable {
        private final InvoiceSource source;
        private final String name;
        private BigDecimal sum = BigDecimal.ZERO;
        private int fetched;
        private int failed;

        Worker(InvoiceSource source, String name) {
            this.source = source;
            this.name = name;
        }

        @Override
        public void run() {
            for (Integer number = todo.poll(); number != null; number = todo.poll()) {
                try {
                    String document = source.fetch("/invoices/" + number + ".xml", "report-job/1.4 (" + name + ")");
                    sum = sum.add(Invoice.parse(document).amount());
                    fetched++;
                } catch (Exception e) {
                    failed++;
                    System.err.println(name + ": invoice " + number + ": " + e);
                }
            }
        }
    }
}
