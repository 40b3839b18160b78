package io.sluice.benchmarks;

import java.io.InputStream;
import java.net.URL;

/** The program whose start is measured: prints a greeting, or fetches the address that is its argument. */
public final class HelloWorld {
    private HelloWorld() {}

    /** Runs it. */
    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            try (InputStream body = new URL(args[0]).openStream()) {
                System.out.println(body.readAllBytes().length);
            }
        } else {
            System.out.println("Hello, world");
        }
    }
}
