/**
 * A nightly job as an enterprise may have had it since 2012: it fetches the day's invoices from a partner's server and
 * sums them up.
 *
 * <pre>
 * ReportJob          main: twelve workers, the total
 *   InvoiceSource    how a worker gets a document; one implementation for each HTTP client that the years have left
 *   Invoice          one document
 * </pre>
 *
 * <p>It is here as an unmodified program, so it knows nothing of Sluice and follows none of this project's habits.
 *
 * <p>Loaded by: the application class loader of its own JVM; may use: the JDK (Java 11), Apache HttpClient 4.5.
 */
package com.example.reports;
