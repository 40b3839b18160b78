package com.example.reports;

/** Gets documents from the partner's server. Shared by the workers, each of which calls it from its own thread. */
interface InvoiceSource {
    /** A short name for the log. */
    String name();

    /** Returns the document, or fails if the answer is anything but 200. */
    String fetch(String path, String userAgent) throws Exception;
}
